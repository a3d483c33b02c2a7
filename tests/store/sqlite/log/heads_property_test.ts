import assert from "node:assert/strict";
import fc from "fast-check";
import { directMembers } from "../../../../src/core/messages/message.ts";
import { createMessageId } from "../../../../src/core/messages/message_id.ts";
import type { Append, Change } from "../../../../src/core/messages/message_store.ts";
import { isRoomId } from "../../../../src/core/rooms/room.ts";
import { Database } from "../../../../src/store/sqlite/database.ts";
import type { HeadsOptions } from "../../../../src/store/sqlite/log/heads.ts";
import { SqliteMessageStore } from "../../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteRetentionStore } from "../../../../src/store/sqlite/sqlite_retention_store.ts";
import { SqliteRoomStore } from "../../../../src/store/sqlite/sqlite_room_store.ts";
import { SqliteSettingsStore } from "../../../../src/store/sqlite/sqlite_settings_store.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";
import { userRecord, wholeLog } from "../../../support/servers/stored_messages.ts";

const users = ["ana", "ben", "cleo", "dan", "eve"];
const roomIds = ["+" + "a".repeat(26), "+" + "b".repeat(26)];
const start = 1_700_000_000_000;

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

/** A store on disk. */
class OpenStore implements Disposable {
  readonly #folder = temporaryFolder();
  readonly #options: HeadsOptions;
  #database!: Database;
  messages!: SqliteMessageStore;
  rooms!: SqliteRoomStore;
  accounts!: SqliteAccountStore;
  settings!: SqliteSettingsStore;
  retention!: SqliteRetentionStore;

  constructor(options: HeadsOptions) {
    this.#options = options;
    this.#open();
  }

  #open(): void {
    const database = this.#database = Database.open(this.#folder.path, this.#options);
    // The heads that a crash loses are in the entries, so no entry may go before they are written.
    database.prepare(
      `CREATE TEMP TRIGGER head_lost BEFORE DELETE ON main.entry WHEN old.position > (SELECT heads_through FROM main.log)
       BEGIN SELECT RAISE(ABORT, 'an entry was removed before its head was written'); END`,
    ).run();
    const messages = this.messages = new SqliteMessageStore(database);
    this.rooms = new SqliteRoomStore(database, { onDeleted: () => messages.forgetNames() });
    this.accounts = new SqliteAccountStore(database, { onRenamed: () => messages.forgetNames() });
    this.settings = new SqliteSettingsStore(database);
    this.retention = new SqliteRetentionStore(database, { spentIds: messages.spentIds });
  }

  reopen(): void {
    this.#database.close();
    this.#open();
  }

  /** Continues with a copy of the files, as the next process does after a crash. */
  crash(): void {
    const path = `${this.#folder.path}/chatd.sqlite`;
    const copies = ["", "-wal"].map((end) => [path + end, Deno.readFileSync(path + end)] as const);
    this.#database.close();
    for (const [path, bytes] of copies) Deno.writeFileSync(path, bytes);
    this.#open();
  }

  writeHeads(limit: number): void {
    this.#database.writeHeads(Math.min(limit, this.#database.heads.unwritten));
  }

  /** As a server does once a minute. */
  emptyLog(): void {
    assert.ok(this.#database.truncateLog());
    this.#database.allocateLog();
  }

  async retain(maxEntries: number): Promise<void> {
    await this.retention.setRule({ conversation: undefined, maxAgeMs: undefined, maxEntries });
    const { due } = await this.retention.findDue(0, start);
    for (const conversation of due) await this.retention.removeDue(conversation, { now: start, limit: 100 });
  }

  [Symbol.dispose](): void {
    this.#database.close();
    this.#folder[Symbol.dispose]();
  }
}

/** Two stores with the same contents: one whose heads stay unwritten for long, and one that always writes them. */
class Run implements Disposable {
  readonly #lazy: OpenStore;
  readonly #eager = new OpenStore({});
  readonly #gone = new Map<string, string>();

  constructor(options: HeadsOptions) {
    this.#lazy = new OpenStore(options);
  }

  async both(work: (store: OpenStore) => Promise<unknown>): Promise<void> {
    const results = [];
    for (const store of [this.#lazy, this.#eager]) results.push(await work(store));
    this.#eager.writeHeads(Infinity);
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
        return await this.both((store) => store.retain(number % 3));
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
        return this.#lazy.writeHeads(number % 2 === 0 ? Infinity : number % 4);
      case "reopen":
        return this.#lazy.reopen();
      case "crash":
        return this.#lazy.crash();
      case "crash_in_step":
        this.#lazy.writeHeads(1);
        return this.#lazy.crash();
      case "empty_log":
        return this.#lazy.emptyLog();
      case "compare":
        return await this.compare(number);
    }
  }

  /** Compares everything that depends on heads. */
  async compare(number: number): Promise<void> {
    const names = users.map((name) => this.#gone.get(name) ?? name);
    await this.both(async ({ messages, rooms, settings, retention }) => {
      const seen: unknown[] = [messages.head, await retention.findDue(0, start)];
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

  [Symbol.dispose](): void {
    this.#lazy[Symbol.dispose]();
    this.#eager[Symbol.dispose]();
  }
}

async function listOf(messages: SqliteMessageStore, user: string, limit: number): Promise<unknown[]> {
  const listed = [];
  for (let beforePosition = 0;;) {
    const page = await messages.conversationsOf(user, { beforePosition, limit, maxBytes: 100_000 });
    listed.push(...page.conversations);
    if (!page.more) return listed;
    beforePosition = page.conversations.at(-1)!.position;
  }
}

function historyOf(messages: SqliteMessageStore, user: string, conversation: string): Promise<unknown> {
  return messages.history(user, conversation, { ...wholeLog, events: true, limit: 3, maxBytes: 1_000 });
}

function property(name: string, options: HeadsOptions): void {
  Deno.test(`${name}: a store with unwritten heads equals one that writes all, also after crashes`, async () => {
    const steps = fc.array(step, { minLength: 10, maxLength: 80 });
    const property = fc.asyncProperty(steps, async (steps) => {
      using run = new Run(options);
      await run.prepare();
      for (const step of steps) await run.take(step);
      await run.compare(0);
      await run.take({ action: "crash", user: "ana", other: "ana", room: null, number: 0 });
      await run.compare(0);
    });
    await fc.assert(property, { numRuns: 25, interruptAfterTimeLimit: 300_000, markInterruptAsFailure: true });
  });
}

property("unlimited", {});
property("at most four unwritten", { maxUnwritten: 4 });
property("at most five entries behind", { maxBehind: 5 });
