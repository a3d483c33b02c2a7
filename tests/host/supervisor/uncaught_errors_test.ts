import assert from "node:assert/strict";
import { crashedExitCode } from "../../../src/host/supervisor/exit_codes.ts";
import { UncaughtErrors } from "../../../src/host/supervisor/uncaught_errors.ts";
import { turns } from "../../support/waiting/turns.ts";

/** Passes an error to the listener for uncaught errors. @returns whether a listener handled it */
function throwUncaught(error: unknown): boolean {
  return !globalThis.dispatchEvent(new ErrorEvent("error", { error, cancelable: true }));
}

function watch() {
  const logged: unknown[] = [];
  const exits: number[] = [];
  const written = Promise.withResolvers<void>();
  const log = {
    error: (_event: string, details?: Record<string, unknown>) => void logged.push(details),
    flush: () => written.promise,
  };
  const errors = new UncaughtErrors({ log, exit: (code) => exits.push(code) });
  return {
    logged,
    exits,
    /** Lets the reader take the lines so far. */
    write: async () => {
      written.resolve();
      await turns();
    },
    [Symbol.dispose]: () => errors[Symbol.dispose](),
  };
}

const peerError = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" });

for (const [name, error] of [["error", new TypeError("a bug")], ["socket error", peerError]] as const) {
  Deno.test(`an uncaught ${name} is logged once, and ends the process once the line is written`, async () => {
    using watched = watch();
    assert.ok(throwUncaught(error));
    assert.ok(throwUncaught(new TypeError("its consequence")));
    await turns();
    assert.deepEqual(watched.exits, []);
    await watched.write();
    assert.deepEqual(watched.exits, [crashedExitCode]);
    assert.deepEqual(watched.logged, [{ error }]);
  });
}

Deno.test("an unhandled rejection ends the process like an error", async () => {
  using watched = watch();
  const reason = new Error("a bug");
  const promise = Promise.reject(reason);
  promise.catch(() => {});
  globalThis.dispatchEvent(new PromiseRejectionEvent("unhandledrejection", { promise, reason, cancelable: true }));
  await watched.write();
  assert.deepEqual(watched.exits, [crashedExitCode]);
});

Deno.test("a disposed instance listens no more", () => {
  watch()[Symbol.dispose]();
  assert.equal(throwUncaught(new Error("a bug")), false);
});
