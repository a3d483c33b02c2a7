import assert from "node:assert/strict";
import {
  type ArgumentsOf,
  controlHandlers,
  type OperatorCall,
  type OperatorHandlers,
} from "../../src/app/operator_calls.ts";
import { openChat } from "../../src/app/open_chat.ts";
import { silentLog } from "../../src/core/log.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { FakeHasher } from "../support/fakes/fake_hasher.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const samples: { readonly [Call in OperatorCall]: ArgumentsOf<Call> } = {
  "server.version": {},
  "server.database": {},
  "server.standby": {},
  "user.find": { name: "ana" },
  "user.list": { after: "" },
  "user.add": { name: "ana", password: "correct horse", allowSimilar: false },
  "user.set_display_name": { name: "ana", displayName: "Ana Lopez", allowSimilar: true },
  "user.set_status": { name: "ana", status: "in a meeting" },
  "user.set_password": { name: "ana", password: "correct horse" },
  "user.disable": { name: "ana" },
  "user.enable": { name: "ana" },
  "user.delete": { name: "ana", mode: "erase" },
  "user.invite": { lifetimeMs: 60_000 },
  "room.list": { after: "" },
  "room.show": { address: "#ops" },
  "room.add": { address: "#ops", user: "ana" },
  "room.set_mention_all": { address: "#ops", mentionAll: "member" },
  "room.delete": { address: "#ops" },
  "retention.list": {},
  "retention.set": { address: "", maxAgeMs: 0, maxEntries: 5 },
  "retention.unset": { address: "" },
  "audit.list": { afterId: 0, since: 0, user: "" },
  "audit.backup_made": { detail: "to a disk" },
};

/** Handlers that note the arguments that they are called with. */
function notingHandlers(calls: unknown[]): OperatorHandlers {
  const note = (args: unknown) => Promise.resolve(void calls.push(args));
  return Object.fromEntries(Object.keys(samples).map((call) => [call, note])) as unknown as OperatorHandlers;
}

Deno.test("each call is handled with arguments of the right types", async () => {
  const calls: unknown[] = [];
  const handlers = controlHandlers(notingHandlers(calls));
  assert.deepEqual(Object.keys(handlers), Object.keys(samples));
  for (const [call, args] of Object.entries(samples)) await handlers[call](args);
  assert.deepEqual(calls, Object.values(samples));
});

Deno.test("an argument that is missing or of another type is refused by name, and nothing is done", async () => {
  const calls: unknown[] = [];
  const handlers = controlHandlers(notingHandlers(calls));
  let refusals = 0;
  for (const [call, args] of Object.entries(samples)) {
    for (const [name, value] of Object.entries(args)) {
      const wrong = [undefined, null, true, {}, ["ana"], typeof value === "number" ? `${value}` : 7, NaN, Infinity];
      for (const other of wrong.filter((each) => typeof each !== typeof value || typeof each === "number")) {
        const { message } = await rejectsWith("invalid_argument", handlers[call]({ ...args, [name]: other }));
        assert.ok(message.startsWith(`Cannot call ${call}: the argument "${name}" must be `), message);
        refusals++;
      }
    }
  }
  assert.ok(refusals > 100);
  assert.deepEqual(calls, []);
});

Deno.test("an amount that is negative or no whole number is refused, and no rule is set that removes everything", async () => {
  const calls: unknown[] = [];
  const handlers = controlHandlers(notingHandlers(calls));
  const amounts = [["retention.set", "maxAgeMs"], ["retention.set", "maxEntries"], [
    "user.invite",
    "lifetimeMs",
  ]] as const;
  for (const [call, name] of amounts) {
    for (const other of [-1, 0.5, 2 ** 53]) {
      const { message } = await rejectsWith("invalid_argument", handlers[call]({ ...samples[call], [name]: other }));
      assert.equal(message, `Cannot call ${call}: the argument "${name}" must be a whole number, 0 or more.`);
    }
  }
  await rejectsWith("invalid_argument", handlers["audit.list"]({ ...samples["audit.list"], since: 0.5 }));
  assert.deepEqual(calls, []);
  await handlers["audit.list"]({ ...samples["audit.list"], since: -1 });
  await handlers["retention.set"]({ ...samples["retention.set"], maxAgeMs: Number.MAX_SAFE_INTEGER });
  assert.equal(calls.length, 2);
});

Deno.test("an account is not deleted with a mode that does not exist", async () => {
  const calls: unknown[] = [];
  const handlers = controlHandlers(notingHandlers(calls));
  const deleting = handlers["user.delete"]({ name: "ana", mode: "shred" });
  assert.match((await rejectsWith("invalid_argument", deleting)).message, /must be "anonymize" or "erase"\.$/);
  assert.deepEqual(calls, []);
});

Deno.test("a running server refuses wrong arguments over its socket", async () => {
  using folder = temporaryFolder();
  const rate = { perSecond: 100, burst: 100 };
  const { close } = openChat({
    folder: folder.path,
    registration: "closed",
    rate,
    log: silentLog,
    hasher: new FakeHasher(),
  });
  try {
    using connection = await Deno.connect({ transport: "unix", path: `${folder.path}/chatd.sock` });
    const request = { command: "user.invite", arguments: { lifetimeMs: "60000" } };
    await connection.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`));
    const { error } = await new Response(connection.readable).json();
    assert.deepEqual(error, {
      code: "invalid_argument",
      message: 'Cannot call user.invite: the argument "lifetimeMs" must be a whole number, 0 or more.',
    });
  } finally {
    await close();
  }
});
