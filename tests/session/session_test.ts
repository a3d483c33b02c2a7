import assert from "node:assert/strict";
import type { Log } from "../../src/core/log.ts";
import type { SendResponse } from "../../src/gen/chatd/v1/chat.ts";
import { open, ping, send } from "../support/servers/session_requests.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { until } from "../support/waiting/turns.ts";
import { historyRequest, wireMessage } from "../support/servers/wire_values.ts";

Deno.test("request ids must be above 0 and rise", async () => {
  await using test = await TestChat.open();
  for (const ids of [[0], [5], [7, 7], [8, 6]]) {
    const client = await open(test, "ana");
    client.request(...Array.from({ length: 4 }, () => ping));
    client.receive({ requests: ids.map((id) => ({ id, kind: ping })) });
    await until(() => client.ended);
    assert.equal(client.endCode, "invalid_argument");
  }
  const client = await open(test, "ana");
  client.receive({ requests: [{ id: 1_000, kind: ping }, { id: Number.MAX_SAFE_INTEGER, kind: ping }] });
  await client.reply(Number.MAX_SAFE_INTEGER);
});

Deno.test("an unknown kind of request is refused by its id", async () => {
  await using test = await TestChat.open();
  const client = await open(test, "ana");
  client.receive({ requests: [{ id: 2, kind: undefined }, { id: 3, kind: ping }] });
  assert.equal((await client.reply(3)).$case, "ping");
  assert.equal((await client.reply(2)).$case, "error");
});

Deno.test("messages reach both users, and the sender's own session gets the reply instead", async () => {
  await using test = await TestChat.open();
  const [here, there, ben] = [await open(test, "ana"), await open(test, "ana"), await open(test, "ben")];
  const kind = send(test, "ben");
  const accepted = await here.reply(here.request(kind)[0]);
  assert.equal(accepted.$case, "send");
  await until(() => ben.messages.length === 1 && there.messages.length === 1);
  const { acceptedAtMs, position, conversation, seq } = accepted.value as SendResponse;
  const id = kind.$case === "send" ? kind.value.id : "";
  const message = wireMessage({ position, conversation, seq, id, acceptedAtMs, text: "hello", ordinal: 1 });
  assert.deepEqual([ben.messages, there.messages], [[message], [message]]);
  await here.ask("ping", {});
  assert.deepEqual(here.messages, []);
  assert.equal(here.through, 1);
});

Deno.test("sends in one frame are accepted together, in order", async () => {
  await using test = await TestChat.open();
  const [ana, ben] = [await open(test, "ana"), await open(test, "ben")];
  const texts = Array.from({ length: 300 }, (_, index) => `${index}`);
  const ids = ana.request(...texts.map((text) => send(test, "ben", text)));
  await ana.reply(ids.at(-1)!);
  assert.deepEqual(ana.replies.slice(1).map(({ requestId }) => requestId), ids);
  await until(() => ben.messages.length === 300);
  assert.deepEqual(ben.texts, texts);
  assert.ok(ana.frames.length < 20);
});

Deno.test("a request sees the results of the sends before it", async () => {
  await using test = await TestChat.open();
  const ana = await open(test, "ana");
  const [, , history] = ana.request(send(test, "ben", "1"), send(test, "ben", "2"), {
    $case: "history",
    value: historyRequest({ with: "ben" }),
  });
  const result = await ana.reply(history);
  assert.deepEqual(result.$case === "history" && result.value.messages.map(({ text }) => text), ["1", "2"]);
  assert.deepEqual(ana.replies.map(({ requestId }) => requestId), [1, 2, 3, 4]);
});

Deno.test("a failed request states its reason, and the requests after it are answered", async () => {
  await using test = await TestChat.open();
  const ana = await open(test, "ana");
  const codes = await Promise.all([
    ana.refusal(send(test, "nobody")),
    ana.refusal(send(test, "ben", "")),
    ana.refusal({ $case: "history", value: historyRequest({ with: "ben", limit: 201 }) }),
    ana.refusal({ $case: "listUsers", value: { after: "no name", limit: 0 } }),
    ana.refusal({ $case: "revokeDevice", value: { id: "\u0000" } }),
  ]);
  assert.deepEqual(codes, ["not_found", "invalid_argument", "invalid_argument", "invalid_argument", "not_found"]);
  await ana.ask("ping", {});
});

Deno.test("an unexpected error is logged, and sent without its detail", async () => {
  await using test = await TestChat.open();
  const errors: unknown[] = [];
  const log: Log = { info() {}, warn() {}, error: (_event, details) => void errors.push(details?.error) };
  const ana = await open(test, "ana", { log });
  test.store.messages.commitError = new Error("secret");
  const result = await ana.reply(ana.request(send(test, "ben"))[0]);
  assert.equal(result.$case === "error" && result.value.code, "internal");
  assert.doesNotMatch(JSON.stringify(ana.frames), /secret/);
  assert.deepEqual(errors, [test.store.messages.commitError]);
});

Deno.test("a session is told which of its peers are online, and which come online", async () => {
  await using test = await TestChat.open();
  await test.send("ana", "ben");
  const ana = await open(test, "ana");
  const ben = await open(test, "ben");
  const cleo = await open(test, "cleo");
  await until(() => ana.presence.length > 0 && ben.presence.length > 0);
  await cleo.ask("ping", {});
  assert.deepEqual([ana.presence, ben.presence, cleo.presence], [[["ben", true]], [["ana", true]], []]);
});
