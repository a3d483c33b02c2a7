import assert from "node:assert/strict";
import { directMembers } from "../../../src/core/messages/message.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import type { Append, Change } from "../../../src/core/messages/message_store.ts";
import { isRoomId } from "../../../src/core/rooms/room.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { MessageFinder } from "../../../src/store/sqlite/search/message_finder.ts";
import { SearchIndex } from "../../../src/store/sqlite/search/search_index.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteSettingsStore } from "../../../src/store/sqlite/sqlite_settings_store.ts";
import { PlainWriter } from "../../../src/store/sqlite/writer/plain_writer.ts";
import type { WriterThread } from "../../../src/store/sqlite/writer/writer_thread.ts";
import { temporaryFolder } from "../checks/temporary_folder.ts";
import { LogModel } from "../fakes/log_model.ts";
import { eventually } from "../waiting/eventually.ts";
import { plainBatch } from "../lane/plain_batches.ts";
import { userRecord } from "./stored_messages.ts";
import { startWriterThread } from "../lane/writer_threads.ts";

export type ModelledStoreOptions = ConstructorParameters<typeof SqliteMessageStore>[1] & {
  /** Whether a thread writes the batches of plain messages. */
  readonly inThread?: boolean;
};

type AppendFields = "conversation" | "sender" | "text" | "event" | "mentions" | "audience" | "here" | "replyTo";

/** A store on disk, its model, and the changes that are not committed yet. */
export class ModelledStore implements Disposable {
  readonly model = new LogModel();
  readonly #folder = temporaryFolder();
  readonly #options: ModelledStoreOptions;
  #database!: Database;
  #writer!: PlainWriter;
  #thread: WriterThread | undefined;
  #waiting: { change: Change; expected: string }[] = [];
  messages!: SqliteMessageStore;
  settings!: SqliteSettingsStore;
  index!: SearchIndex;
  finder!: MessageFinder;
  #clock = 1_700_000_000_000;

  constructor(options: ModelledStoreOptions) {
    this.#options = options;
    this.open();
  }

  /** Whether the store examines everything before it reports more entries. */
  get isThorough(): boolean {
    return this.#options.maxLookedAt === undefined;
  }

  open(): void {
    this.#database = Database.open(this.#folder.path);
    this.#thread = undefined;
    this.#writer = new PlainWriter(this.#database, this.#options.inThread ? this.#threadOptions() : {});
    this.messages = new SqliteMessageStore(this.#database, { ...this.#options, writer: this.#writer });
    this.settings = new SqliteSettingsStore(this.#database);
    this.index = new SearchIndex(this.#database);
    this.finder = new MessageFinder(this.#database);
  }

  #threadOptions() {
    return { startThread: () => this.#thread = startWriterThread(this.#folder.path), maxDirect: 0 };
  }

  #close(): void {
    this.#writer.close();
    this.#database.close();
  }

  async addUsers(users: readonly string[]): Promise<void> {
    const accounts = new SqliteAccountStore(this.#database);
    for (const user of users) await accounts.addUser(userRecord(user));
  }

  reopen(): void {
    this.#close();
    this.open();
  }

  /** Continues with a copy of the files, as the next process does after a crash. */
  crash(): void {
    const path = `${this.#folder.path}/chatd.sqlite`;
    const copies = ["", "-wal"].map((end) => [path + end, Deno.readFileSync(path + end)] as const);
    this.#close();
    for (const [path, bytes] of copies) Deno.writeFileSync(path, bytes);
    this.open();
  }

  writeHeads(limit: number): void {
    this.#database.writeHeads(Math.min(limit, this.#database.heads.unwritten));
  }

  append(entry: Pick<Append, AppendFields>): void {
    const members = isRoomId(entry.conversation) ? [] : directMembers(entry.conversation);
    this.#clock += 1_000;
    const change: Append = { kind: "append", members, id: createMessageId(), acceptedAt: this.#clock, ...entry };
    this.#waiting.push({ change, expected: this.model.append(change) });
  }

  read(conversation: string, user: string, read: { seq: number; ownOnly: boolean }): void {
    const change = { kind: "move_read", conversation, user, ...read } as const;
    this.model.moveRead(change);
    this.#waiting.push({ change, expected: "moved" });
  }

  /** Commits the changes that wait: plain messages as such while the position is even, so that both ways mix. */
  async commit(): Promise<void> {
    const waiting = this.#waiting.splice(0);
    while (waiting.length > 0) {
      const other = waiting.findIndex(({ change }) => !this.#isPlain(change));
      const plain = waiting.splice(0, other < 0 ? waiting.length : other);
      const usesLane = this.messages.head % 2 === 0;
      if (usesLane && plain.length > 0) await this.#commitPlain(plain.map(({ change }) => change as Append));
      const others = waiting.findIndex(({ change }) => this.#isPlain(change));
      const rest = waiting.splice(0, others < 0 ? waiting.length : others);
      await this.#commitTogether(usesLane ? rest : [...plain, ...rest]);
    }
    assert.equal(this.messages.head, this.model.head);
  }

  async #commitTogether(waiting: readonly { change: Change; expected: string }[]): Promise<void> {
    const results = await this.messages.commit(waiting.map(({ change }) => change));
    assert.deepEqual(results.map(({ kind }) => kind), waiting.map(({ expected }) => expected));
  }

  async #commitPlain(appends: readonly Append[]): Promise<void> {
    assert.equal(await this.messages.commitPlain(plainBatch(appends)), true);
    if (this.#thread !== undefined) await eventually(() => this.#thread!.isReady);
  }

  /** Whether a change is a text in a conversation that is in the store, without anything else. */
  #isPlain(change: Change): boolean {
    if (change.kind !== "append" || change.event !== undefined) return false;
    if (change.text.includes("@") || change.replyTo !== undefined) return false;
    const [first] = this.model.logs.get(change.conversation)!;
    return first.position <= this.messages.head;
  }

  [Symbol.dispose](): void {
    this.#close();
    this.#folder[Symbol.dispose]();
  }
}
