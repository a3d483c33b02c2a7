import assert from "node:assert/strict";
import fc from "fast-check";
import { directMembers } from "../../src/core/messages/message.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { Append, Change, MessageStore } from "../../src/core/messages/message_store.ts";
import { isRoomId } from "../../src/core/rooms/room.ts";
import { propertyLimits } from "../support/checks/property_limits.ts";
import { type ReopenedStore, retain, start } from "../support/servers/reopened_store.ts";
import { ReopenedSqliteStore } from "../support/servers/reopened_sqlite_store.ts";
import { ReopenedPostgresStore } from "../support/databases/reopened_postgres_store.ts";
import { userRecord, wholeLog } from "../support/servers/stored_messages.ts";

const users = ["ana", "ben", "cleo", "dan", "eve"];
const roomIds = ["+" + "a".repeat(26), "+" + "b".repeat(26)];

const step = fc.record({
  action: fc.oneof(
    { weight: 12, arbitrary: fc.constant("say") },
    { weight: 6, arbitrary: fc.constantFrom("join", "leave", "read") },
    { weight: 2, arbitrary: fc.constantFrom("retain", "delete_room", "delete_user") },
    { weight: 4, arbitrary: fc.constantFrom("write_heads", "reopen", "crash", "crash_in_step", "empty_log") },
    { weight: 2, arbitrary: fc.constant("compare") },
  ),
  user: fc.constantFrom(...users),
  other: fc.constantFrom(...users),
  room: fc.option(fc.constantFrom(...roomIds)),
  number: fc.nat({ max: 30 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Two stores with the same contents: one whose heads stay unwritten for long, and one of SQLite that always writes them. */
class Run implements AsyncDisposable {
  readonly #lazy: ReopenedStore;
  readonly #eager = new ReopenedSqliteStore({});
  readonly #gone = new Map<string, string>();
  /** Stores of two kinds may give conversations other keys, and differ in which deleted rooms they look at once more. */
  readonly #hasSameKeys: boolean;

  constructor(lazy: ReopenedStore) {
    this.#lazy = lazy;
    this.#hasSameKeys = lazy instanceof ReopenedSqliteStore;
  }

  async both(work: (store: ReopenedStore) => Promise<unknown>): Promise<void> {
    const results = [];
    for (const store of [this.#lazy, this.#eager]) results.push(await work(store));
    await this.#eager.writeHeads(Infinity);
    assert.deepEqual(results[0], results[1]);
  }

  commit(change: Change): Promise<void> {
    return this.both((store) => store.messages.commit([change]));
  }

  append(conversation: string, sender: string, rest: Partial<Append> = {}): Promise<void> {
    const members = isRoomId(conversation) ? [] : directMembers(conversation);
    const entry = { conversation, members, sender, id: createMessageId(), acceptedAt: start, text: "hello" };
    return this.commit({ kind: "append", ...entry, ...rest });
  }

  async take({ action, user: userName, other: otherName, room, number }: Step): Promise<void> {
    const [user, other] = [userName, otherName].map((name) => this.#gone.get(name) ?? name);
    const conversation = room ?? [user, other].sort().join(":");
    switch (action) {
      case "say":
        return await this.append(conversation, user);
      case "join":
      case "leave": {
        const event = { kind: action === "join" ? "joined" : "left" } as const;
        if (room !== null) await this.append(room, user, { event, text: "" });
        return;
      }
      case "read":
        return await this.commit({ kind: "move_read", conversation, user, seq: number });
      case "retain":
        return await this.both((store) => retain(store, number % 3));
      case "delete_room":
        return await this.both((store) => store.rooms.deleteRoom(roomIds[1]));
      case "delete_user": {
        if (this.#gone.has(userName) || this.#gone.size > 1) return;
        const alias = `~${userName}`;
        await this.both((store) => store.accounts.deleteUser(userName, { alias, erase: false }));
        this.#gone.set(userName, alias);
        return;
      }
      case "write_heads":
        return await this.#lazy.writeHeads(number % 2 === 0 ? Infinity : number % 4);
      case "reopen":
        return await this.#lazy.reopen();
      case "crash":
        return await this.#lazy.crash();
      case "crash_in_step":
        await this.#lazy.writeHeads(1);
        return await this.#lazy.crash();
      case "empty_log":
        return await this.#lazy.emptyLog();
      case "compare":
        return await this.compare(number);
    }
  }

  /** Compares everything that depends on heads. */
  async compare(number: number): Promise<void> {
    const names = users.map((name) => this.#gone.get(name) ?? name);
    await this.both(async ({ messages, rooms, settings, retention }) => {
      const seen: unknown[] = [messages.head];
      if (this.#hasSameKeys) seen.push(await retention.findDue(0, start));
      for (const user of names) {
        seen.push(await listOf(messages, user, 1 + number % 4));
        seen.push(await messages.messagesAfter(user, number, { limit: 5, maxBytes: 1_000 }));
        seen.push((await messages.peersAmong(user, new Set(names))).sort());
        seen.push(await rooms.roomsOf(user), await rooms.countRooms(user, { emptyAfter: 0 }));
        for (const other of names) {
          seen.push(await settings.hasWrittenTo(user, other));
          seen.push(await historyOf(messages, user, [user, other].sort().join(":")));
        }
        for (const room of roomIds) seen.push(await historyOf(messages, user, room));
      }
      return seen;
    });
  }

  async prepare(): Promise<void> {
    for (const user of users) await this.both(({ accounts }) => accounts.addUser(userRecord(user)));
    const event = { kind: "room_created", isPublic: false, historyVisible: true } as const;
    for (const room of roomIds) await this.append(room, "ana", { event, text: "ops" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lazy[Symbol.asyncDispose]();
    await this.#eager[Symbol.asyncDispose]();
  }
}

async function listOf(messages: MessageStore, user: string, limit: number): Promise<unknown[]> {
  const listed = [];
  for (let beforePosition = 0;;) {
    const page = await messages.conversationsOf(user, { beforePosition, limit, maxBytes: 100_000 });
    listed.push(...page.conversations);
    if (!page.more) return listed;
    beforePosition = page.conversations.at(-1)!.position;
  }
}

function historyOf(messages: MessageStore, user: string, conversation: string): Promise<unknown> {
  return messages.history(user, conversation, { ...wholeLog, events: true, limit: 3, maxBytes: 1_000 });
}

function property(name: string, open: () => ReopenedStore | Promise<ReopenedStore>, numRuns = 25): void {
  Deno.test(`${name}: a store with unwritten heads equals one that writes all, also after crashes`, async () => {
    const steps = fc.array(step, { minLength: 10, maxLength: 80 });
    const property = fc.asyncProperty(steps, async (steps) => {
      await using run = new Run(await open());
      await run.prepare();
      for (const step of steps) await run.take(step);
      await run.compare(0);
      await run.take({ action: "crash", user: "ana", other: "ana", room: null, number: 0 });
      await run.compare(0);
    });
    await fc.assert(property, { ...propertyLimits, numRuns });
  });
}

property("sqlite, unlimited", () => new ReopenedSqliteStore({}));
property("sqlite, at most four unwritten", () => new ReopenedSqliteStore({ maxUnwritten: 4 }));
property("sqlite, at most five entries behind", () => new ReopenedSqliteStore({ maxBehind: 5 }));
property("postgres, unlimited", () => ReopenedPostgresStore.open({}), 6);
property("postgres, at most four unwritten", () => ReopenedPostgresStore.open({ maxUnwritten: 4 }), 6);
