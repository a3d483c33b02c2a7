import assert from "node:assert/strict";
import fc from "fast-check";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { ClientFrame } from "../../src/gen/chatd/v1/session.ts";
import { decodeStrictly } from "../../src/wire/strict_reader.ts";
import { openPostgresChatStore } from "../support/databases/postgres_chat_store.ts";
import { storesAnswerLate } from "../support/fakes/late_store.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { LaneStore } from "../support/lane/lane_store.ts";
import { ping, send } from "../support/servers/session_requests.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { TestSession } from "../support/servers/test_session.ts";
import { type OpenChatStore, TestStore } from "../support/servers/test_store.ts";
import { turns, until } from "../support/waiting/turns.ts";

const now = new FakeClock().now();

/** One of two servers that get the same frames. */
async function open(openStore: OpenChatStore) {
  const store = await openStore((log) => new LaneStore(log));
  const test = await TestChat.open({ store });
  for (const to of ["ana", "ben", "cleo"]) await test.send("ana", to, "the first");
  const tokens = [(await test.logIn("ana")).token, (await test.logIn("ben")).token];
  await TestSession.open(test, tokens[1]);
  return { test, store: store.messages, token: tokens[0], [Symbol.asyncDispose]: () => test.close() };
}

/** A frame of sends to ben and pings, of which some bytes are changed, inserted or removed. */
const damaged = fc.record({
  kinds: fc.array(fc.constantFrom("hello", "a longer text", "日本語", "@ben", "ping"), { minLength: 1, maxLength: 4 }),
  changes: fc.array(
    fc.record({ at: fc.nat({ max: 400 }), bytes: fc.uint8Array({ maxLength: 3 }), removed: fc.nat({ max: 3 }) }),
    { maxLength: 3 },
  ),
});

function damage(frame: Uint8Array, changes: readonly { at: number; bytes: Uint8Array; removed: number }[]): Uint8Array {
  const octets = [...frame];
  for (const { at, bytes, removed } of changes) octets.splice(at % (octets.length + 1), removed, ...bytes);
  return Uint8Array.from(octets);
}

/** Compares the lane of a store with a store in memory without the lane. */
function suite(name: string, openStore: OpenChatStore, { numRuns }: { numRuns: number }): void {
  Deno.test(`${name}: a damaged frame does the same by the lane and without it, unless it ends the session`, async () => {
    await using lane = await open(openStore);
    await using other = await open(TestStore.openWith);
    const property = fc.asyncProperty(damaged, async ({ kinds, changes }) => {
      const requests = kinds.map((text, index) => ({
        id: index + 10,
        kind: text === "ping" ? ping : send(lane.test, "ben", text, createMessageId(now)),
      }));
      const frame = damage(ClientFrame.encode({ requests }).finish(), changes);
      const outcomes = [];
      for (const { test, store, token } of [lane, other]) {
        test.clock.advance(1_000);
        const client = await TestSession.open(test, token);
        const before = store.head;
        let expected = 0;
        try {
          const decoded = decodeStrictly(ClientFrame, frame);
          expected = decoded.requests.filter(({ kind }) => kind?.$case !== "ack").length;
          if (test === lane.test) client.session.receiveEncoded(frame);
          else client.session.receive(decoded, frame.length);
        } catch {
          client.session.receiveEncoded(frame);
        }
        await until(() => client.ended !== undefined || client.replies.length === expected + 1);
        await turns(2);
        const { messages } = await store.messagesAfter("ana", before, { limit: 100, maxBytes: 1_000_000 });
        const replies = client.replies.slice(1).toSorted((one, other) => one.requestId - other.requestId);
        const results = replies.map(({ requestId, result }) => [
          requestId,
          result!.$case === "error" ? result!.value.code : result!.$case,
        ]);
        const log = messages.map(({ conversation, id, text }) => [conversation, id, text]);
        outcomes.push(client.ended === undefined ? { results, log } : client.endCode);
        assert.notEqual(client.endCode, "internal");
        client.session.disconnected();
      }
      assert.deepEqual(outcomes[0], outcomes[1]);
    });
    await fc.assert(property, { numRuns });
    assert.ok(lane.store.plain > numRuns / 7, `only ${lane.store.plain} messages took the lane`);
  });
}

suite("sqlite", TestStore.openWith, { numRuns: 200 });
if (!storesAnswerLate()) suite("postgres", openPostgresChatStore, { numRuns: 60 });
