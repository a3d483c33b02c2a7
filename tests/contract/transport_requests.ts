import assert from "node:assert/strict";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { PresenceState } from "../../src/gen/chatd/v1/chat.ts";
import { LinkClient } from "../support/servers/link_client.ts";
import type { RequestKind } from "../support/servers/received_frames.ts";
import { historyRequest, sendRequest } from "../support/servers/wire_values.ts";
import { type DefineTest, logIn, openAll, register } from "./transport_harness.ts";

const ping: RequestKind = { $case: "ping", value: {} };

/** What requests are answered. */
export function transportRequests(test: DefineTest): void {
  test("a message that is sent again is one message, with its first result", async ({ server, session }) => {
    const [ana, ben] = await openAll(server, session, "ana", "ben");
    const id = createMessageId();
    const first = await ana.send("ben", "once", id);
    const again = await ana.send("ben", "once", id);
    assert.deepEqual(again, { ...first, duplicate: true });
    const { token } = await logIn(server, "ana");
    assert.deepEqual(await (await session(token)).send("ben", "once", id), { ...first, duplicate: true });
    await ana.send("ben", "after");
    assert.deepEqual(await ben.received(2), ["once", "after"]);
  });

  test("a message that cannot be sent is refused by a code, and the session goes on", async ({ server, session }) => {
    const [ana, ben] = await openAll(server, session, "ana", "ben");
    const id = createMessageId();
    await ana.send("ben", "first", id);
    const send = (change: Partial<{ to: string; id: string; text: string }>): RequestKind => ({
      $case: "send",
      value: sendRequest({ to: "ben", id: createMessageId(), text: "hello", ...change }),
    });
    const day = 24 * 60 * 60 * 1000;
    const wrong: [string, RequestKind][] = [
      ["message_id_conflict", send({ id, text: "other" })],
      ["message_id_conflict", send({ id, to: "ana", text: "first" })],
      ["message_id_expired", send({ id: createMessageId(Date.now() - 31 * day) })],
      ["message_id_in_future", send({ id: createMessageId(Date.now() + 2 * day) })],
      ["not_found", send({ to: "nobody" })],
      ["invalid_argument", send({ to: "ana:ben" })],
      ["invalid_argument", send({ id: "1" })],
      ["invalid_argument", send({ text: "" })],
      ["invalid_argument", send({ text: "x".repeat(16 * 1024 + 1) })],
      ["invalid_argument", send({ text: "\u0001".repeat(9_000) })],
    ];
    for (const [code, kind] of wrong) assert.equal(await ana.refusal(kind), code);
    const largest = "😀".repeat(4 * 1024);
    await ana.send("ben", largest);
    assert.deepEqual(await ben.received(2), ["first", largest]);
  });

  test("a message that a program wrote in answer says so, live and in history", async ({ server, session }) => {
    const [ana, ben] = await openAll(server, session, "ana", "ben");
    const request = sendRequest({ to: "ben", id: createMessageId(), text: "beep", automatic: true });
    const { seq } = await ana.ask("send", request);
    assert.deepEqual(await ben.received(1), ["beep"]);
    await ana.send("ben", "by hand");
    const { messages } = await ben.ask("history", historyRequest({ with: "ana" }));
    assert.deepEqual(messages.map(({ seq, automatic }) => [seq, automatic]), [[seq, true], [seq + 1, false]]);
  });

  test("history, sent messages, conversations and users come in pages", async ({ server, session }) => {
    const [ana] = await openAll(server, session, "ana", "ben", "cleo");
    for (let index = 1; index <= 7; index++) await ana.send("ben", `${index}`);
    await ana.send("cleo", "hello cleo");
    const history = (beforeSeq: number, limit: number) =>
      ana.ask("history", historyRequest({ with: "ben", beforeSeq, limit }));
    const newest = await history(0, 3);
    assert.deepEqual(newest.messages.map(({ text }) => text), ["5", "6", "7"]);
    assert.deepEqual([newest.firstSeq, newest.lastSeq, newest.headSeq, newest.more], [5, 7, 7, true]);
    const oldest = await history(5, 200);
    assert.deepEqual(oldest.messages.map(({ text }) => text), ["1", "2", "3", "4"]);
    assert.equal(oldest.more, false);
    const sent = await ana.ask("sent", { beforeId: "", limit: 2 });
    assert.deepEqual([sent.messages.map(({ text }) => text), sent.more], [["7", "hello cleo"], true]);
    const before = await ana.ask("sent", { beforeId: sent.messages[0].id, limit: 0 });
    assert.deepEqual([before.messages.at(-1)?.text, before.messages.length, before.more], ["6", 6, false]);
    const first = await ana.ask("listConversations", { limit: 1, beforePosition: 0 });
    assert.deepEqual(first.conversations.map(({ address, headSeq, last }) => [address, headSeq, last?.text]), [
      ["cleo", 1, "hello cleo"],
    ]);
    assert.equal(first.more, true);
    const beforePosition = first.conversations[0].last!.position;
    const second = await ana.ask("listConversations", { limit: 1, beforePosition });
    assert.deepEqual([second.conversations.map(({ address }) => address), second.more], [["ben"], false]);
    const users = await ana.ask("listUsers", { after: "ana", limit: 1 });
    assert.deepEqual(users, {
      users: [{ name: "ben", online: true, state: PresenceState.ONLINE, lastSeenMs: 0, displayName: "", status: "" }],
      more: true,
    });
    const limits: RequestKind[] = [
      { $case: "history", value: historyRequest({ with: "ben", limit: 201 }) },
      { $case: "sent", value: { beforeId: "", limit: 201 } },
      { $case: "sent", value: { beforeId: "x", limit: 1 } },
      { $case: "listConversations", value: { limit: 101, beforePosition: 0 } },
      { $case: "listUsers", value: { after: "", limit: 1_001 } },
      { $case: "listUsers", value: { after: "\u0000", limit: 1 } },
    ];
    for (const kind of limits) assert.equal(await ana.refusal(kind), "invalid_argument");
  });

  test("nobody reads a conversation that they are not in", async ({ server, session }) => {
    const [ana, ben, cleo] = await openAll(server, session, "ana", "ben", "cleo");
    await ana.send("ben", "secret");
    await ben.received(1);
    for (const other of ["ana", "ben"]) {
      const { messages, headSeq } = await cleo.ask("history", historyRequest({ with: other }));
      assert.deepEqual([messages, headSeq], [[], 0]);
    }
    assert.equal(
      await cleo.refusal({ $case: "history", value: historyRequest({ with: "ana:ben" }) }),
      "invalid_argument",
    );
    assert.deepEqual((await cleo.ask("listConversations", { limit: 0, beforePosition: 0 })).conversations, []);
    assert.deepEqual(cleo.messages, []);
  });

  test("a request of a newer client is refused by its id, and the session goes on", async ({ server }) => {
    const { token } = await register(server, "ana");
    const raw = await server.openRaw();
    const client = await LinkClient.connect({ ...server.transport, connect: () => Promise.resolve(raw) });
    await client.hello(token, { callback: undefined });
    const newer = new BinaryWriter().uint32((1 << 3) | 0).uint64(2).uint32((99 << 3) | 2).string("new").finish();
    raw.sendBytes(new BinaryWriter().uint32((1 << 3) | 2).bytes(newer).finish());
    const result = await client.reply(2);
    assert.equal(result.$case === "error" && result.value.code, "invalid_argument");
    client.request(ping, ping);
    await client.close();
  });
}
