import assert from "node:assert/strict";
import type { Message } from "../../../src/core/messages/message.ts";
import type { Change } from "../../../src/core/messages/message_store.ts";
import { PostgresErasureStore } from "../../../src/store/postgres/postgres_erasure_store.ts";
import { PostgresRetentionStore } from "../../../src/store/postgres/postgres_retention_store.ts";
import { openPostgresStore } from "../../support/databases/postgres_store.ts";
import { directAppend, entryAppend, userRecord } from "../../support/servers/stored_messages.ts";

const users = ["ana", "ben", "cleo", "dan", "eve"];
const pairs = users.flatMap((one, index) => users.slice(index + 1).map((other) => [one, other] as const));
const rounds = 60;
const keptEntries = 3;
/** The conversation of eve with a user whose messages are erased. */
const erasedTalk = "deleted.aaaaaaaa:eve";
const erasedMessages = 200;
const newest = { beforeSeq: 0, afterSeq: 0, fromMs: 0, events: true, limit: 10, maxBytes: 100_000 };
const now = 1_700_000_000_000;

async function openStores() {
  const store = await openPostgresStore();
  for (const user of users) await store.accounts.addUser(userRecord(user));
  return {
    ...store,
    retention: new PostgresRetentionStore(store.database),
    erasure: new PostgresErasureStore(store.database),
    [Symbol.asyncDispose]: store.close,
  };
}

type Stores = Awaited<ReturnType<typeof openStores>>;

function roomOf(round: number): string {
  const letters = [...round.toString(8)].map((digit) => String.fromCharCode(97 + Number(digit))).join("");
  return "+" + letters.padEnd(26, "z");
}

/** Accepted entries by conversation. */
type Logs = ReadonlyMap<string, readonly Message[]>;

/**
 * The changes of a round: a room with members, a member and messages for that of the round before, and in each direct
 * conversation a message, a reaction to one that may be due, and reads.
 */
function changesOf(round: number, logs: Logs): Change[] {
  const room = roomOf(round);
  const event = { kind: "room_created", isPublic: false, historyVisible: true } as const;
  const say = (conversation: string) => entryAppend(conversation, "ana", { text: "@ben", mentions: ["ben"] });
  const oldRoom = [
    entryAppend(roomOf(round - 1), "eve", { event: { kind: "joined" } }),
    say(roomOf(round - 1)),
    entryAppend(roomOf(round - 1), "ana", { event: { kind: "invited", user: "dan" } }),
  ];
  const directs = pairs.flatMap(([one, other]) => {
    const conversation = `${one}:${other}`;
    const messages = (logs.get(conversation) ?? []).filter(({ event }) => event === undefined);
    const target = messages.at(-2)?.seq ?? 1;
    const reaction = entryAppend(conversation, other, {
      event: { kind: "reacted", target, emoji: "👍", removed: false },
    });
    const read = (user: string) => ({ kind: "move_read", conversation, user, seq: Number.MAX_SAFE_INTEGER } as const);
    const [first, second] = round % 2 === 0 ? [one, other] : [other, one];
    return [directAppend(first, second), reaction, read(first), read(second)];
  });
  return [
    entryAppend(room, "ana", { text: "ops", event }),
    entryAppend(room, "ben", { event: { kind: "joined" } }),
    entryAppend(room, "ana", { event: { kind: "invited", user: "cleo" } }),
    ...Array.from({ length: 25 }, () => say(room)),
    ...round === 0 ? [] : oldRoom,
    ...round % 2 === 0 ? directs : directs.toReversed(),
    ...round >= erasedMessages ? [] : [
      entryAppend(erasedTalk, "eve", { event: { kind: "reacted", target: round + 1, emoji: "👍", removed: false } }),
    ],
  ];
}

/** Makes the changes of rounds one after the other. */
async function commitAll({ messages }: Stores): Promise<Message[]> {
  const accepted: Message[] = [];
  for (let round = 0; round < rounds; round++) {
    const results = await messages.commit(changesOf(round, Map.groupBy(accepted, (entry) => entry.conversation)));
    for (const result of results) {
      if (result.kind === "accepted") accepted.push(result.message);
      else assert.ok(["moved", "gone", "no_room"].includes(result.kind), JSON.stringify(result));
    }
  }
  return accepted;
}

/** Repeats `work` until `isOver`. */
async function repeat(isOver: () => boolean, work: () => Promise<unknown>): Promise<void> {
  while (!isOver()) await work();
}

async function removeAll({ retention }: Stores): Promise<number> {
  let removed = 0;
  for (let after: number | undefined = 0; after !== undefined;) {
    const page: Awaited<ReturnType<typeof retention.findDue>> = await retention.findDue(after, now);
    for (const conversation of page.due) removed += await retention.removeDue(conversation, { now, limit: 7 });
    after = page.next;
  }
  return removed;
}

async function untilNone(step: () => Promise<number>): Promise<void> {
  while (await step() > 0);
}

/** Commits while everything else runs that removes entries or memberships, and reads that write heads. */
async function commitUnderRemovals(stores: Stores): Promise<Message[]> {
  const { messages, rooms, erasure } = stores;
  let isOver = false;
  const others = [
    repeat(() => isOver, () => removeAll(stores)),
    repeat(() => isOver, () => removeAll(stores)),
    repeat(() => isOver, async () => {
      for (const room of await rooms.roomsOf("ben")) await rooms.deleteRoom(room);
    }),
    repeat(() => isOver, () => rooms.eraseDeleted(20)),
    repeat(() => isOver, () => rooms.dropInvitations("cleo", { keep: 1 })),
    repeat(() => isOver, () => erasure.blankSome(5)),
    repeat(() => isOver, () => messages.conversationsOf("ana", { beforePosition: 0, limit: 5, maxBytes: 10_000 })),
  ];
  const committing = commitAll(stores).finally(() => isOver = true);
  const [accepted] = await Promise.all([committing, ...others]);
  return accepted;
}

/** Numbers of rows that belong to nothing. */
const orphans = `
  SELECT (SELECT count(*) FROM reaction r WHERE NOT EXISTS (
      SELECT FROM entry e WHERE e.conversation = r.conversation AND e.seq = r.seq AND e.deleted = 0)) AS reactions,
    (SELECT count(*) FROM mention m WHERE NOT EXISTS (
      SELECT FROM entry e WHERE e.conversation = m.conversation AND e.seq = m.message)) AS mentions,
    (SELECT count(*) FROM member m WHERE m.room = 1) AS members,
    (SELECT count(*) FROM span s WHERE s.room = 1) AS spans`;

Deno.test("removals and commits at once neither wait in a circle nor change a number or leave a part", async () => {
  await using stores = await openStores();
  const { messages, retention, rooms, accounts, erasure } = stores;
  for (const [one, other] of pairs) await messages.commit([directAppend(one, other)]);
  await accounts.addUser(userRecord("fay"));
  for (let count = 0; count < erasedMessages; count++) await messages.commit([directAppend("fay", "eve")]);
  await accounts.deleteUser("fay", { alias: "deleted.aaaaaaaa", erase: true });
  await retention.setRule({ conversation: undefined, maxAgeMs: undefined, maxEntries: keptEntries });
  await retention.setRule({ conversation: erasedTalk, maxAgeMs: undefined, maxEntries: undefined });
  const before = messages.head;

  const accepted = await commitUnderRemovals(stores);
  assert.deepEqual(accepted.map(({ position }) => position), accepted.map((_, index) => before + 1 + index));
  const logs = Map.groupBy(accepted, ({ conversation }) => conversation);
  for (const [conversation, log] of logs) {
    assert.deepEqual(log.map(({ seq }) => seq), log.map((_, index) => log[0].seq + index), conversation);
  }

  for (const room of await rooms.roomsOf("ana")) await rooms.deleteRoom(room);
  await untilNone(() => removeAll(stores));
  await untilNone(() => erasure.blankSome(100));
  await untilNone(() => rooms.eraseDeleted(100));
  const [left] = await stores.database.read(orphans);
  assert.deepEqual(left, { reactions: 0, mentions: 0, members: 0, spans: 0 });
  for (const [one, other] of pairs) {
    const conversation = `${one}:${other}`;
    const last = logs.get(conversation)!.at(-1)!.seq;
    const { unread, headSeq } = (await messages.conversationOf(other, conversation))!;
    assert.deepEqual([unread, headSeq], [0, last]);
    const { startSeq } = (await messages.history(other, conversation, newest))!;
    assert.equal(startSeq, last - keptEntries + 1);
  }
  const [next] = await messages.commit([directAppend("ana", "ben")]);
  assert.equal(next.kind === "accepted" && next.message.position, accepted.at(-1)!.position + 1);
});
