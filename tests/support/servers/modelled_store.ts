import assert from "node:assert/strict";
import type { AccountStore } from "../../../src/core/accounts/account_store.ts";
import { directMembers } from "../../../src/core/messages/message.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import type { Append, Change, ExclusiveMessageStore } from "../../../src/core/messages/message_store.ts";
import type { SettingsStore } from "../../../src/core/people/settings_store.ts";
import { isRoomId } from "../../../src/core/rooms/room.ts";
import type { MessageSearch } from "../../../src/core/search/message_search.ts";
import { LogModel } from "../fakes/log_model.ts";
import { plainBatch } from "../lane/plain_batches.ts";
import { userRecord } from "./stored_messages.ts";

/** A store that is compared with a model. */
export interface LogOfModel extends MessageSearch {
  readonly messages: ExclusiveMessageStore;
  readonly settings: SettingsStore;
  readonly accounts: AccountStore;
  /** The position up to which entries are found. */
  readonly indexedThrough: number;
  /** Indexes the next entry, up to a position. */
  indexNext(head: number): Promise<unknown>;
  /** Writes a few heads of conversations, or all. */
  writeHeads(limit: number): Promise<void>;
  /** Waits, after a batch of plain messages, until the store takes the next one in the same way. */
  afterPlain?(): Promise<void>;
  /** Closes the store, and opens it again. */
  reopen(): Promise<void>;
  /** Continues as after the end of a process that did not close the store. */
  crash(): Promise<void>;
  close(): Promise<void>;
}

type AppendFields = "conversation" | "sender" | "text" | "event" | "mentions" | "audience" | "here" | "replyTo";

/** A store, its model, and the changes that are not committed yet. */
export class ModelledStore implements AsyncDisposable {
  readonly model = new LogModel();
  readonly store: LogOfModel;
  /** Whether the store examines everything before it reports more entries. */
  readonly isThorough: boolean;
  #waiting: { change: Change; expected: string }[] = [];
  #clock = 1_700_000_000_000;

  /** Owns the store. */
  constructor(store: LogOfModel, { isThorough }: { isThorough: boolean }) {
    this.store = store;
    this.isThorough = isThorough;
  }

  get messages(): ExclusiveMessageStore {
    return this.store.messages;
  }

  async addUsers(users: readonly string[]): Promise<void> {
    for (const user of users) await this.store.accounts.addUser(userRecord(user));
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
    await this.store.afterPlain?.();
  }

  /** Whether a change is a text in a conversation that is in the store, without anything else. */
  #isPlain(change: Change): boolean {
    if (change.kind !== "append" || change.event !== undefined) return false;
    if (change.text.includes("@") || change.replyTo !== undefined) return false;
    const [first] = this.model.logs.get(change.conversation)!;
    return first.position <= this.messages.head;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.store.close();
  }
}
