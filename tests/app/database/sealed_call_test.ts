import assert from "node:assert/strict";
import { callLastsMs, CallReceiver, sealCall } from "../../../src/app/database/sealed_call.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";

const call = { command: "user.add", arguments: { name: "ana", password: "correct horse" } };
const now = 1_800_000_000_000;

async function sealedFor({ publicKey }: CallReceiver) {
  const id = crypto.randomUUID();
  return { id, ...await sealCall(publicKey, { id, sealedAt: now, call }) };
}

Deno.test("the receiver opens a call, and its caller the answer", async () => {
  const receiver = await CallReceiver.create();
  const { id, sealed, openAnswer } = await sealedFor(receiver);
  const opened = await receiver.open(sealed, { id, now: now + 1_000 });
  assert.deepEqual(opened.call, call);
  assert.deepEqual(await openAnswer(await opened.sealAnswer({ result: null })), { result: null });
});

Deno.test("nothing of a call or its answer can be read in between", async () => {
  const receiver = await CallReceiver.create();
  const { id, sealed } = await sealedFor(receiver);
  const answer = await (await receiver.open(sealed, { id, now })).sealAnswer({ result: "invitation-code" });
  const readable = [sealed, answer].map((bytes) => new TextDecoder("latin1").decode(bytes)).join();
  assert.doesNotMatch(readable, /correct|horse|ana|user|add|invitation|result/);
});

Deno.test("a call under another id, for another process, or with changed bytes is refused", async () => {
  const receiver = await CallReceiver.create();
  const { id, sealed } = await sealedFor(receiver);
  const refuses = async (bytes: Uint8Array, options: { id: string; receiver?: CallReceiver }) => {
    const error = await rejectsWith(
      "invalid_argument",
      (options.receiver ?? receiver).open(bytes, { ...options, now }),
    );
    assert.match(error.message, /sealed for another process or request, or was changed/);
  };
  await refuses(sealed, { id: crypto.randomUUID() });
  await refuses(sealed, { id, receiver: await CallReceiver.create() });
  for (const at of [0, 31, 32, sealed.length - 1]) {
    await refuses(sealed.with(at, sealed[at] ^ 1), { id });
  }
  for (const length of [0, 31, 32, sealed.length - 1]) await refuses(sealed.slice(0, length), { id });
  await receiver.open(sealed, { id, now });
});

Deno.test("a call is opened once, and not when it is old", async () => {
  const receiver = await CallReceiver.create();
  const { id, sealed } = await sealedFor(receiver);
  await receiver.open(sealed, { id, now });
  const again = await rejectsWith("invalid_argument", receiver.open(sealed, { id, now: now + callLastsMs }));
  assert.match(again.message, /it was opened before/);
  const later = await rejectsWith("invalid_argument", receiver.open(sealed, { id, now: now + callLastsMs + 1 }));
  assert.match(later.message, /it is too old/);
});

Deno.test("a call without a time is refused, since it would stay valid for ever", async () => {
  const receiver = await CallReceiver.create();
  const id = crypto.randomUUID();
  const { sealed } = await sealCall(receiver.publicKey, { id, sealedAt: undefined as unknown as number, call });
  await rejectsWith("invalid_argument", receiver.open(sealed, { id, now }));
});

Deno.test("an answer to another call, or a changed one, is refused", async () => {
  const receiver = await CallReceiver.create();
  const [one, other] = [await sealedFor(receiver), await sealedFor(receiver)];
  const answer = await (await receiver.open(one.sealed, { id: one.id, now })).sealAnswer({ result: 1 });
  await rejectsWith("internal", other.openAnswer(answer));
  for (const at of [0, 12, answer.length - 1]) {
    await rejectsWith("internal", one.openAnswer(answer.with(at, answer[at] ^ 1)));
  }
  await rejectsWith("internal", one.openAnswer(new Uint8Array()));
  assert.deepEqual(await one.openAnswer(answer), { result: 1 });
});
