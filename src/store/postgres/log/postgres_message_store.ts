import type { Message, Pin } from "../../../core/messages/message.ts";
import type {
  Change,
  ChangeResult,
  ConsumerOptions,
  ConsumerStart,
  ConversationSummary,
  ExclusiveMessageStore,
  HistoryPage,
  HistoryRange,
  MessageBatch,
  UserSet,
} from "../../../core/messages/message_store.ts";
import type { PlainBatch } from "../../../core/messages/plain_batch.ts";
import type { PageLimits } from "../../shared/page_limits.ts";
import type { Database } from "../connection/database.ts";
import { Backlog, type BacklogOptions } from "./backlog.ts";
import { Committer } from "./committer.ts";
import { Consumers } from "./consumers.ts";
import { ConversationList } from "./conversation_list.ts";
import { ConversationSummaries } from "./conversation_summaries.ts";
import { Conversations } from "./conversations.ts";
import { readEntries } from "./entry_reader.ts";
import { Heads, type HeadsOptions } from "./heads.ts";
import { History } from "./history.ts";
import { Incarnations } from "./incarnations.ts";
import { LogPages } from "./log_pages.ts";
import type { LogPagesOptions } from "../../shared/log_range.ts";
import { Peers } from "./peers.ts";
import { PlainCommitter } from "./plain_committer.ts";
import { ShownMessages } from "./shown_messages.ts";
import { UserIds } from "./user_ids.ts";

export type PostgresMessageStoreOptions = BacklogOptions & HeadsOptions & LogPagesOptions;

/** The log in PostgreSQL, owned by the node that holds the lease. Pages are made by the database, without turns. */
export class PostgresMessageStore implements ExclusiveMessageStore {
  readonly epoch: string;
  /** The head of the log, and the order of direct conversations. */
  readonly heads: Heads;
  readonly #database: Database;
  readonly #users: UserIds;
  readonly #conversations: Conversations;
  readonly #committer: Committer;
  readonly #plainCommitter: PlainCommitter;
  readonly #incarnations: Incarnations;
  readonly #consumers: Consumers;
  readonly #peers: Peers;
  readonly #backlog: Backlog;
  readonly #shown = new ShownMessages();
  readonly #history: History;
  readonly #conversationList: ConversationList;

  private constructor(
    database: Database,
    { epoch, heads, options }: { epoch: string; heads: Heads; options: PostgresMessageStoreOptions },
  ) {
    this.epoch = epoch;
    this.heads = heads;
    this.#database = database;
    const users = this.#users = new UserIds(database);
    const conversations = this.#conversations = new Conversations(database);
    this.#committer = new Committer(database, { heads });
    this.#plainCommitter = new PlainCommitter(database, { users, conversations, heads });
    this.#incarnations = new Incarnations(database);
    this.#consumers = new Consumers(database);
    this.#peers = new Peers(database);
    this.#backlog = new Backlog(options);
    const pages = new LogPages(options);
    this.#history = new History(pages);
    this.#conversationList = new ConversationList(new ConversationSummaries(pages));
  }

  /** Reads the state that is kept in memory. @throws {ChatError} */
  static async open(database: Database, options: PostgresMessageStoreOptions = {}): Promise<PostgresMessageStore> {
    const [{ epoch }] = await database.read<{ epoch: string }>("SELECT epoch FROM log");
    return new PostgresMessageStore(database, { epoch, heads: await Heads.open(database, options), options });
  }

  get head(): number {
    return this.heads.head;
  }

  get incarnation(): string {
    return this.#incarnations.current;
  }

  /**
   * Records this opening as an incarnation. Idempotent; the first append does it, too.
   * @throws {ChatError} `storage_full`
   */
  async beginIncarnation(): Promise<void> {
    await this.#incarnations.begin(this.head);
  }

  async sharedThrough(incarnation: string): Promise<number | undefined> {
    return await this.#incarnations.sharedThrough(incarnation, this.head);
  }

  /** Runs a change of names of users and conversations, which is made in the line of commits. */
  async whileRenaming<T>(change: () => Promise<T>): Promise<T> {
    return await this.#users.whileChanging(() => this.#conversations.whileChanging(change));
  }

  /** Must be called after conversations were deleted. */
  forgetNames(): void {
    this.#users.forgetNames();
    this.#conversations.forgetNames();
  }

  async commitPlain(batch: PlainBatch): Promise<boolean> {
    if (this.incarnation === "") await this.beginIncarnation();
    return await this.#plainCommitter.commit(batch);
  }

  async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    if (this.incarnation === "" && changes.some(({ kind }) => kind === "append")) await this.beginIncarnation();
    return await this.#committer.commit(changes);
  }

  async messagesAfter(user: string, position: number, limits: PageLimits): Promise<MessageBatch> {
    const key = await this.#users.find(user);
    const { head } = this;
    if (key === undefined) return { messages: [], through: Math.max(position, head) };
    if (this.#backlog.readsHeads({ after: position, head })) await this.heads.write();
    return await this.#database.snapshot(async (queries) => {
      const page = await this.#backlog.pageAfter(queries, key, { after: position, head, limit: limits.limit });
      const { positions, through } = page;
      const { messages, isWhole } = await readEntries(queries, key, { ...limits, positions });
      return { messages, through: isWhole ? through : messages.at(-1)?.position ?? position };
    });
  }

  async history(
    user: string,
    conversation: string,
    page: HistoryRange & PageLimits,
  ): Promise<HistoryPage | undefined> {
    const key = await this.#users.find(user);
    if (key === undefined) return undefined;
    return await this.#database.snapshot((queries) => this.#history.page(queries, key, { ...page, conversation }));
  }

  async pinsIn(
    user: string,
    conversation: string,
    page: PageLimits & { beforePosition: number },
  ): Promise<{ pins: Pin[]; more: boolean }> {
    const key = await this.#users.find(user);
    if (key === undefined) return { pins: [], more: false };
    return await this.#database.snapshot((queries) => this.#shown.pinsIn(queries, key, { ...page, conversation }));
  }

  async entry(user: string, conversation: string, seq: number): Promise<Message | undefined> {
    const key = await this.#users.find(user);
    if (key === undefined) return undefined;
    return await this.#database.snapshot((queries) => this.#shown.entry(queries, key, { conversation, seq }));
  }

  async messagesAt(
    user: string,
    positions: readonly number[],
    { maxBytes }: { maxBytes: number },
  ): Promise<{ messages: Message[]; through: number }> {
    const key = await this.#users.find(user);
    if (key === undefined) return { messages: [], through: 0 };
    return await this.#database.snapshot((queries) => this.#shown.at(queries, key, { positions, maxBytes }));
  }

  async sentBy(
    sender: string,
    page: PageLimits & { beforeId: string },
  ): Promise<{ messages: Message[]; more: boolean }> {
    const key = await this.#users.find(sender);
    if (key === undefined) return { messages: [], more: false };
    return await this.#database.snapshot((queries) => this.#shown.sentBy(queries, key, page));
  }

  async conversationsOf(
    user: string,
    page: PageLimits & { beforePosition: number },
  ): Promise<{ conversations: ConversationSummary[]; more: boolean }> {
    const key = await this.#users.find(user);
    if (key === undefined) return { conversations: [], more: false };
    await this.heads.write();
    return await this.#database.snapshot((queries) => this.#conversationList.page(queries, key, page));
  }

  async conversationOf(user: string, conversation: string): Promise<ConversationSummary | undefined> {
    const key = await this.#users.find(user);
    if (key === undefined) return undefined;
    await this.heads.write();
    return await this.#database.snapshot((queries) => this.#conversationList.one(queries, key, conversation));
  }

  async peersAmong(user: string, others: UserSet): Promise<string[]> {
    const key = await this.#users.find(user);
    return key === undefined ? [] : await this.#peers.among({ name: user, key }, others);
  }

  async openConsumer(device: string, name: string, options: ConsumerOptions): Promise<number | undefined> {
    const startAt = await this.#startOf(options.start);
    return await this.#consumers.open({ device, name }, { ...options, startAt });
  }

  async #startOf(start: ConsumerStart | undefined): Promise<number> {
    if (start === undefined) return this.head;
    const { at, partedFrom } = start;
    return partedFrom === undefined ? at : Math.min(at, await this.#incarnations.partedAt(partedFrom));
  }

  /** Writes the heads that commits left for later, before the database is closed. Idempotent. */
  async close(): Promise<void> {
    await this.heads.close();
  }
}
