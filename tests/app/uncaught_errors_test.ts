import assert from "node:assert/strict";
import { crashedExitCode, isPeerError, UncaughtErrors } from "../../src/app/uncaught_errors.ts";
import { turns } from "../support/turns.ts";

function coded(code: string, more: Record<string, unknown> = {}): Error {
  return Object.assign(new Error(code), { code, ...more });
}

/** Hands an error to whoever listens for uncaught ones. @returns whether somebody took it. */
function throwUncaught(error: unknown): boolean {
  return !globalThis.dispatchEvent(new ErrorEvent("error", { error, cancelable: true }));
}

function watch() {
  const lines: { event: string; details?: Record<string, unknown> }[] = [];
  const exits: number[] = [];
  const write = (event: string, details?: Record<string, unknown>) => void lines.push({ event, details });
  const written = Promise.withResolvers<void>();
  const log = { warn: write, error: write, flush: () => written.promise };
  let now = 0;
  const errors = new UncaughtErrors({ log, exit: (code) => exits.push(code), now: () => now });
  return {
    lines,
    exits,
    /** The lines so far reach their reader. */
    write: async () => {
      written.resolve();
      await turns();
    },
    pass: (ms: number) => now += ms,
    [Symbol.dispose]: () => errors[Symbol.dispose](),
  };
}

Deno.test("isPeerError() takes errors of HTTP/2 and of sockets only", () => {
  assert.ok(isPeerError(coded("ERR_HTTP2_INVALID_STREAM")));
  assert.ok(isPeerError(coded("ECONNRESET", { syscall: "read" })));
  const others = [
    new Error("plain"),
    coded("ERR_INVALID_ARG_TYPE"),
    coded("ERR_SQLITE_ERROR"),
    coded("ENOSPC", { syscall: "write" }),
    coded("ECONNRESET"),
    "ERR_HTTP2_INVALID_STREAM",
    { code: "ERR_HTTP2_INVALID_STREAM" },
    undefined,
  ];
  for (const other of others) assert.equal(isPeerError(other), false, String(other));
});

Deno.test("an error of a peer that nobody caught is logged, and the process goes on", () => {
  using watched = watch();
  const error = coded("ERR_HTTP2_INVALID_STREAM");
  assert.ok(throwUncaught(error));
  assert.deepEqual(watched.exits, []);
  assert.deepEqual(watched.lines.map(({ details }) => details), [{ count: 1, error }]);
});

Deno.test("a flood of errors of peers is counted, not written line by line", () => {
  using watched = watch();
  for (let index = 0; index < 1000; index++) throwUncaught(coded("ERR_HTTP2_INVALID_STREAM"));
  assert.equal(watched.lines.length, 1);
  watched.pass(10_000);
  throwUncaught(coded("ERR_HTTP2_INVALID_STREAM"));
  assert.deepEqual(watched.lines.map(({ details }) => details?.count), [1, 1000]);
});

Deno.test("any other error that nobody caught is logged, and ends the process once that is written", async () => {
  using watched = watch();
  const error = new TypeError("a bug");
  assert.ok(throwUncaught(error));
  assert.ok(throwUncaught(new TypeError("its consequence")));
  await turns();
  assert.deepEqual(watched.exits, []);
  await watched.write();
  assert.deepEqual(watched.exits, [crashedExitCode]);
  assert.deepEqual(watched.lines.map(({ details }) => details), [{ error }]);
});

Deno.test("a rejection that nobody handled is judged as an error is", async () => {
  using watched = watch();
  const reject = (reason: unknown) => {
    const promise = Promise.reject(reason);
    promise.catch(() => {});
    globalThis.dispatchEvent(new PromiseRejectionEvent("unhandledrejection", { promise, reason, cancelable: true }));
  };
  await watched.write();
  reject(coded("ERR_HTTP2_INVALID_SESSION"));
  await turns();
  assert.deepEqual(watched.exits, []);
  reject(new Error("a bug"));
  await turns();
  assert.deepEqual(watched.exits, [crashedExitCode]);
});

Deno.test("nothing listens any more once it is disposed of", () => {
  watch()[Symbol.dispose]();
  assert.equal(throwUncaught(coded("ERR_HTTP2_INVALID_STREAM")), false);
});
