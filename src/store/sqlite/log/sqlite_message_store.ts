import type { Message, Pin } from "../../../core/messages/message.ts";
import type {
  Change,
  ChangeResult,
  ConsumerOptions,
  ConsumerStart,
  ConversationSummary,
  HistoryPage,
  HistoryRange,
  MessageBatch,
  MessageStore,
  UserSet,
} from "../../../core/messages/message_store.ts";
import type { PlainBatch } from "../../../core/messages/plain_batch.ts";
import type { Turn } from "../../../core/page_turns.ts";
import { encodeId, settle } from "../../shared/column_values.ts";
import type { Database } from "../database.ts";
import { Incarnations } from "../incarnations.ts";
import { inTurns, runAtOnce, type Steps } from "../steps.ts";
import { PlainWriter } from "../writer/plain_writer.ts";
import { Backlog, type BacklogOptions } from "./backlog.ts";
import { Committer } from "./commit.ts";
import { Consumers } from "./consumers.ts";
import { ConversationList } from "./conversation_list.ts";
import { Conversations } from "./conversations.ts";
import { kindCodes } from "../../shared/entry_columns.ts";
import { type PageLimits as Limits, sizeBesideText } from "../../shared/page_limits.ts";
import { EntryReader } from "./entry_reader.ts";
import type { Heads } from "./heads.ts";
import { History } from "./history.ts";
import { LogPages } from "./log_pages.ts";
import type { LogPagesOptions } from "../../shared/log_range.ts";
import { Peers } from "./peers.ts";
import { PlainCommitter } from "./plain_committer.ts";
import { SpentIds } from "./spent_ids.ts";
import { UserIds } from "./user_ids.ts";
import { isPinShown, isTextShown, isVisible } from "../../shared/visibility.ts";

const newestId = "ffffffff-ffff-ffff-ffff-ffffffffffff";
const encoder = new TextEncoder();

type PinRow = Omit<Pin, "message"> & { readonly target: number };

type PageLimits = Limits & { readonly turn?: Turn };

function prepareStatements(database: Database) {
  return {
    epoch: database.prepare("SELECT epoch FROM log"),
    find: database.prepare(
      `SELECT e.position FROM conversation c CROSS JOIN entry e ON e.conversation = c.id
       WHERE c.name = :conversation AND e.seq = :seq AND ${isVisible(":user", "e")}`,
    ),
    shown: database.prepare(
      `SELECT 1 FROM entry e WHERE e.position = :position AND e.kind = ${kindCodes.message} AND e.deleted = 0
         AND ${isVisible(":user", "e")} AND ${isTextShown(":user", "e")}`,
    ),
    pins: database.prepare(
      `SELECT e.position AS target, p.position, pinner.name AS user, pinning.accepted_at AS pinnedAt
       FROM conversation c CROSS JOIN pin p ON p.conversation = c.id
         CROSS JOIN entry e ON e.conversation = c.id AND e.seq = p.seq
         CROSS JOIN entry pinning ON pinning.position = p.position CROSS JOIN user pinner ON pinner.id = pinning.sender
       WHERE c.name = :conversation AND p.position < :before AND ${isVisible(":user", "e")}
         AND ${isPinShown(":user", "pinning")}
       ORDER BY p.position DESC LIMIT +:limit`,
    ),
    conversation: database.prepare("SELECT id FROM conversation WHERE name = ?"),
    sent: database.prepare(
      `SELECT position FROM entry WHERE sender = ? AND id < ? AND kind = ${kindCodes.message} ORDER BY id DESC LIMIT +?`,
    ),
  };
}

/**
 * The log in SQLite. Calls run synchronously and never overlap, except pages with a `turn`, which yield to others
 * between steps. A commit blocks for the duration of the fsync, unless it is a batch that a thread writes.
 */
export class SqliteMessageStore implements MessageStore {
  readonly epoch: string;
  /** The ids of removed entries. */
  readonly spentIds: SpentIds;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #heads: Heads;
  readonly #users: UserIds;
  readonly #conversations: Conversations;
  readonly #committer: Committer;
  readonly #plainCommitter: PlainCommitter;
  readonly #incarnations: Incarnations;
  readonly #consumers: Consumers;
  readonly #entries: EntryReader;
  readonly #backlog: Backlog;
  readonly #history: History;
  readonly #conversationList: ConversationList;
  readonly #peers: Peers;

  constructor(database: Database, options: BacklogOptions & LogPagesOptions & { writer?: PlainWriter } = {}) {
    this.#statements = prepareStatements(database);
    this.#heads = database.heads;
    this.#users = new UserIds(database);
    this.spentIds = new SpentIds(database);
    this.#conversations = new Conversations(database);
    const names = { users: this.#users, conversations: this.#conversations, spentIds: this.spentIds };
    this.#committer = new Committer(database, names);
    this.#plainCommitter = new PlainCommitter(database, {
      ...names,
      writer: options.writer ?? new PlainWriter(database),
    });
    this.#incarnations = new Incarnations(database);
    this.#consumers = new Consumers(database);
    this.#entries = new EntryReader(database);
    this.#backlog = new Backlog(database, options);
    const pages = new LogPages(database, options);
    this.#history = new History(database, pages);
    this.#conversationList = new ConversationList(database, { pages, entries: this.#entries });
    this.#peers = new Peers(database);
    this.epoch = (this.#statements.epoch.get() as { epoch: string }).epoch;
  }

  get head(): number {
    return this.#heads.head;
  }

  get incarnation(): string {
    return this.#incarnations.current;
  }

  /**
   * Records this opening as an incarnation. Idempotent; the first append does it, too.
   * @throws {ChatError} `storage_full`
   */
  beginIncarnation(): void {
    this.#incarnations.begin(this.head);
  }

  sharedThrough(incarnation: string): Promise<number | undefined> {
    return settle(() => this.#incarnations.sharedThrough(incarnation, this.head));
  }

  /** Must be called after users or conversations were renamed or deleted. */
  forgetNames(): void {
    this.#users.forgetNames();
    this.#conversations.forgetNames();
  }

  async commitPlain(batch: PlainBatch): Promise<boolean> {
    if (this.incarnation === "") this.beginIncarnation();
    return await this.#plainCommitter.commit(batch);
  }

  commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    return settle(() => {
      if (this.incarnation === "" && changes.some(({ kind }) => kind === "append")) this.beginIncarnation();
      return this.#committer.commit(changes);
    });
  }

  messagesAfter(user: string, position: number, limits: PageLimits): Promise<MessageBatch> {
    return inTurns(limits.turn, this.#readAfter(user, position, limits));
  }

  *#readAfter(user: string, position: number, limits: PageLimits): Steps<MessageBatch> {
    const userId = this.#users.find(user);
    if (userId === undefined) return { messages: [], through: Math.max(position, this.head) };
    const page = { head: this.head, limit: limits.limit };
    const { positions, through } = yield* this.#backlog.pageAfter(userId, position, page);
    const { messages, isWhole } = yield* this.#entries.read(userId, positions, limits);
    return { messages, through: isWhole ? through : messages.at(-1)?.position ?? position };
  }

  history(user: string, conversation: string, page: HistoryRange & PageLimits): Promise<HistoryPage | undefined> {
    return inTurns(page.turn, this.#readHistory(user, conversation, page));
  }

  *#readHistory(user: string, conversation: string, page: HistoryRange & Limits): Steps<HistoryPage | undefined> {
    const userId = this.#users.find(user);
    if (userId === undefined) return undefined;
    return yield* this.#history.page({ user: userId, conversation }, page, (positions) => {
      return this.#entries.read(userId, positions, { ...page, marks: true });
    });
  }

  pinsIn(
    user: string,
    conversation: string,
    page: PageLimits & { beforePosition: number },
  ): Promise<{ pins: Pin[]; more: boolean }> {
    return inTurns(page.turn, this.#readPins(user, conversation, page));
  }

  *#readPins(
    user: string,
    conversation: string,
    { beforePosition, limit, maxBytes }: Limits & { beforePosition: number },
  ): Steps<{ pins: Pin[]; more: boolean }> {
    const userId = this.#users.find(user);
    if (userId === undefined) return { pins: [], more: false };
    const before = beforePosition === 0 ? Number.MAX_SAFE_INTEGER : beforePosition;
    // One more than requested, to know whether there is more.
    const page = { user: userId, conversation, before, limit: limit + 1 };
    const rows = this.#statements.pins.all(page) as unknown as PinRow[];
    const pins = new Map(rows.map(({ target, ...pin }) => [target, pin]));
    const { messages, isWhole } = yield* this.#entries.read(userId, [...pins.keys()], { limit, maxBytes, marks: true });
    return { pins: messages.map((message) => ({ message, ...pins.get(message.position)! })), more: !isWhole };
  }

  entry(user: string, conversation: string, seq: number): Promise<Message | undefined> {
    return settle(() => {
      const userId = this.#users.find(user);
      if (userId === undefined) return undefined;
      const found = this.#statements.find.get({ user: userId, conversation, seq }) as { position: number } | undefined;
      return found && this.#entries.readOne(userId, found.position);
    });
  }

  messagesAt(
    user: string,
    positions: readonly number[],
    { maxBytes, turn }: { maxBytes: number; turn?: Turn },
  ): Promise<{ messages: Message[]; through: number }> {
    return inTurns(turn, this.#readShown(user, positions, maxBytes));
  }

  *#readShown(
    user: string,
    positions: readonly number[],
    maxBytes: number,
  ): Steps<{ messages: Message[]; through: number }> {
    const userId = this.#users.find(user);
    if (userId === undefined) return { messages: [], through: 0 };
    const shown: number[] = [];
    for (const position of positions) {
      if (this.#statements.shown.get({ user: userId, position }) !== undefined) shown.push(position);
      yield;
    }
    const { messages, isWhole } = yield* this.#entries.read(userId, shown, { limit: shown.length, maxBytes });
    return { messages, through: isWhole ? 0 : messages.at(-1)!.position };
  }

  sentBy(
    sender: string,
    page: PageLimits & { beforeId: string },
  ): Promise<{ messages: Message[]; more: boolean }> {
    return inTurns(page.turn, this.#readSent(sender, page));
  }

  *#readSent(
    sender: string,
    { beforeId, limit, maxBytes }: Limits & { beforeId: string },
  ): Steps<{ messages: Message[]; more: boolean }> {
    const userId = this.#users.find(sender);
    if (userId === undefined) return { messages: [], more: false };
    const before = encodeId(beforeId === "" ? newestId : beforeId);
    // One more than requested, to know whether there is more.
    const rows = this.#statements.sent.all(userId, before, limit + 1) as { position: number }[];
    const positions = rows.map(({ position }) => position);
    const { messages, isWhole } = yield* this.#entries.read(userId, positions, { limit, maxBytes });
    return { messages: messages.reverse(), more: !isWhole };
  }

  conversationsOf(
    user: string,
    page: PageLimits & { beforePosition: number },
  ): Promise<{ conversations: ConversationSummary[]; more: boolean }> {
    return inTurns(page.turn, this.#readConversations(user, page));
  }

  /**
   * Reads each summary in its current state, but keeps the position of the first step, from which the next page
   * continues.
   */
  *#readConversations(
    user: string,
    { beforePosition, limit, maxBytes }: Limits & { beforePosition: number },
  ): Steps<{ conversations: ConversationSummary[]; more: boolean }> {
    const userId = this.#users.find(user);
    if (userId === undefined) return { conversations: [], more: false };
    const listed = this.#conversationList.page(userId, { before: beforePosition, limit: limit + 1 });
    const conversations: ConversationSummary[] = [];
    const allowance = this.#conversationList.allowance();
    let bytes = 0;
    for (const { conversation, position } of listed.slice(0, limit)) {
      const summary = yield* this.#conversationList.summary(userId, conversation, allowance);
      yield;
      if (summary === undefined) continue;
      const { last } = summary;
      if (last !== undefined) bytes += encoder.encode(last.text).length + sizeBesideText(last);
      if (conversations.length > 0 && bytes > maxBytes) return { conversations, more: true };
      conversations.push({ ...summary, position });
    }
    return { conversations, more: listed.length > limit };
  }

  conversationOf(user: string, conversation: string): Promise<ConversationSummary | undefined> {
    return settle(() => {
      const userId = this.#users.find(user);
      const found = this.#statements.conversation.get(conversation) as { id: number } | undefined;
      return userId === undefined || !found ? undefined : runAtOnce(this.#conversationList.summary(userId, found.id));
    });
  }

  peersAmong(user: string, others: UserSet): Promise<string[]> {
    return settle(() => {
      const userId = this.#users.find(user);
      return userId === undefined ? [] : this.#peers.among(user, userId, others);
    });
  }

  openConsumer(device: string, name: string, options: ConsumerOptions): Promise<number | undefined> {
    return this.#consumers.open({ device, name }, options, (start) => this.#startOf(start));
  }

  #startOf(start: ConsumerStart | undefined): number {
    if (start === undefined) return this.head;
    const { at, partedFrom } = start;
    return partedFrom === undefined ? at : Math.min(at, this.#incarnations.partedAt(partedFrom));
  }
}
