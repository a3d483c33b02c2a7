import type { Message } from "../core/message.ts";
import type {
  Change,
  ChangeResult,
  ConversationSummary,
  HistoryPage,
  HistoryRange,
  MessageBatch,
  MessageStore,
} from "../core/message_store.ts";
import { Attachments } from "./attachments.ts";
import { Backlog, type BacklogOptions } from "./backlog.ts";
import { decodeText, encodeId, settle } from "./column_values.ts";
import { Committer } from "./commit.ts";
import { ConversationList } from "./conversation_list.ts";
import type { Database } from "./database.ts";
import { kindCodes, selectEntry, toMessage } from "./entry_columns.ts";
import { History } from "./history.ts";
import { Incarnations } from "./incarnations.ts";
import { LogPages, type LogPagesOptions } from "./log_pages.ts";
import { Peers } from "./peers.ts";
import { SpentIds } from "./spent_ids.ts";
import { UserIds } from "./user_ids.ts";
import { isUnblocked, isVisible } from "./visibility.ts";

interface Limits {
  limit: number;
  maxBytes: number;
}

const newestId = "ffffffff-ffff-ffff-ffff-ffffffffffff";
const encoder = new TextEncoder();

function prepareStatements(database: Database) {
  return {
    epoch: database.prepare("SELECT epoch FROM log"),
    read: database.prepare(`${selectEntry} WHERE e.position = ?`),
    find: database.prepare(
      `SELECT e.position FROM conversation c CROSS JOIN entry e ON e.conversation = c.id
       WHERE c.name = :conversation AND e.seq = :seq AND ${isVisible(":user", "e")}`,
    ),
    shown: database.prepare(
      `SELECT 1 FROM entry e WHERE e.position = :position AND e.kind = ${kindCodes.message} AND e.deleted = 0
         AND ${isVisible(":user", "e")}`,
    ),
    reactions: database.prepare(
      `SELECT r.emoji, count(*) AS count, max(r.user = :user) AS own, min(r.position) AS first
       FROM entry e CROSS JOIN reaction r ON r.conversation = e.conversation AND r.seq = e.seq
       WHERE e.position = :position AND ${isUnblocked(":user", "r.user", "r.position")} GROUP BY r.emoji`,
    ),
    conversation: database.prepare("SELECT id FROM conversation WHERE name = ?"),
    sent: database.prepare(
      `SELECT position FROM entry WHERE sender = ? AND id < ? AND kind = ${kindCodes.message} ORDER BY id DESC LIMIT +?`,
    ),
    findConsumer: database.prepare(
      `SELECT position FROM consumer WHERE device = (SELECT id FROM device WHERE public_id = ?) AND name = ?`,
    ),
    countConsumers: database.prepare(
      "SELECT count(*) AS count FROM consumer WHERE device = (SELECT id FROM device WHERE public_id = ?)",
    ),
    addConsumer: database.prepare(
      "INSERT INTO consumer (device, name, position) VALUES ((SELECT id FROM device WHERE public_id = ?), ?, ?)",
    ),
  };
}

/** The log in SQLite. What is promised runs at once, so calls never overlap; a commit blocks for as long as the disk's fsync does. */
export class SqliteMessageStore implements MessageStore {
  readonly epoch: string;
  /** Of entries that were removed from this log. */
  readonly spentIds: SpentIds;
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #users: UserIds;
  readonly #committer: Committer;
  readonly #incarnations: Incarnations;
  readonly #attachments: Attachments;
  readonly #backlog: Backlog;
  readonly #history: History;
  readonly #conversations: ConversationList;
  readonly #peers: Peers;

  constructor(database: Database, options: BacklogOptions & LogPagesOptions = {}) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#users = new UserIds(database);
    this.spentIds = new SpentIds(database);
    this.#committer = new Committer(database, { users: this.#users, spentIds: this.spentIds });
    this.#incarnations = new Incarnations(database);
    this.#attachments = new Attachments(database);
    this.#backlog = new Backlog(database, options);
    const pages = new LogPages(database, options);
    this.#history = new History(database, pages);
    this.#conversations = new ConversationList(database, { pages, read: (position) => this.#readOne(position) });
    this.#peers = new Peers(database);
    this.epoch = (this.#statements.epoch.get() as { epoch: string }).epoch;
  }

  get head(): number {
    return this.#committer.head;
  }

  get incarnation(): string {
    return this.#incarnations.current;
  }

  /** Adds this opening of the log to its incarnations, once. The first append does it too. @throws {ChatError} `storage_full` */
  beginIncarnation(): void {
    this.#incarnations.begin(this.head);
  }

  sharedThrough(incarnation: string): Promise<number | undefined> {
    return settle(() => this.#incarnations.sharedThrough(incarnation, this.head));
  }

  partedAt(incarnation: string): Promise<number> {
    return settle(() => this.#incarnations.partedAt(incarnation));
  }

  /** Users and conversations may have other names than before, or be gone. */
  forgetNames(): void {
    this.#users.forgetNames();
    this.#committer.forgetNames();
  }

  commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    return settle(() => {
      if (this.incarnation === "" && changes.some(({ kind }) => kind === "append")) this.beginIncarnation();
      return this.#committer.commit(changes);
    });
  }

  messagesAfter(user: string, position: number, limits: Limits): Promise<MessageBatch> {
    return settle(() => {
      const userId = this.#users.find(user);
      if (userId === undefined) return { messages: [], through: Math.max(position, this.head) };
      const { positions, through } = this.#backlog.pageAfter(userId, position, {
        head: this.head,
        limit: limits.limit,
      });
      const messages = this.#read(positions, limits);
      const whole = messages.length === positions.length;
      return { messages, through: whole ? through : messages[messages.length - 1].position };
    });
  }

  history(user: string, conversation: string, page: HistoryRange & Limits): Promise<HistoryPage | undefined> {
    return settle(() => {
      const userId = this.#users.find(user);
      if (userId === undefined) return undefined;
      return this.#history.page({ user: userId, conversation }, page, (positions) => {
        return this.#read(positions, page, (message) => this.#withReactions(message, userId));
      });
    });
  }

  entry(user: string, conversation: string, seq: number): Promise<Message | undefined> {
    return settle(() => {
      const userId = this.#users.find(user);
      if (userId === undefined) return undefined;
      const found = this.#statements.find.get({ user: userId, conversation, seq }) as { position: number } | undefined;
      return found && this.#readOne(found.position);
    });
  }

  messagesAt(
    user: string,
    positions: readonly number[],
    { maxBytes }: { maxBytes: number },
  ): Promise<{ messages: Message[]; through: number }> {
    return settle(() => {
      const userId = this.#users.find(user);
      if (userId === undefined) return { messages: [], through: 0 };
      const shown = positions.filter((position) =>
        this.#statements.shown.get({ user: userId, position }) !== undefined
      );
      const messages = this.#read(shown, { limit: shown.length, maxBytes });
      return { messages, through: messages.length < shown.length ? messages.at(-1)!.position : 0 };
    });
  }

  sentBy(
    sender: string,
    { beforeId, limit, maxBytes }: Limits & { beforeId: string },
  ): Promise<{ messages: Message[]; more: boolean }> {
    return settle(() => {
      const userId = this.#users.find(sender);
      if (userId === undefined) return { messages: [], more: false };
      const before = encodeId(beforeId === "" ? newestId : beforeId);
      // One more than asked for tells whether anything is left.
      const rows = this.#statements.sent.all(userId, before, limit + 1) as { position: number }[];
      const messages = this.#read(rows.map(({ position }) => position), { limit, maxBytes }).reverse();
      return { messages, more: messages.length < rows.length };
    });
  }

  conversationsOf(
    user: string,
    { beforePosition, limit, maxBytes }: Limits & { beforePosition: number },
  ): Promise<{ conversations: ConversationSummary[]; more: boolean }> {
    return settle(() => {
      const userId = this.#users.find(user);
      if (userId === undefined) return { conversations: [], more: false };
      const listed = this.#conversations.page(userId, { before: beforePosition, limit: limit + 1 });
      const conversations: ConversationSummary[] = [];
      const allowance = this.#conversations.allowance();
      let bytes = 0;
      for (const { conversation } of listed.slice(0, limit)) {
        const summary = this.#conversations.summary(userId, conversation, allowance)!;
        const { last } = summary;
        if (last !== undefined) bytes += encoder.encode(last.text).length + sizeBesideText(last);
        if (conversations.length > 0 && bytes > maxBytes) break;
        conversations.push(summary);
      }
      return { conversations, more: conversations.length < listed.length };
    });
  }

  conversationOf(user: string, conversation: string): Promise<ConversationSummary | undefined> {
    return settle(() => {
      const userId = this.#users.find(user);
      const found = this.#statements.conversation.get(conversation) as { id: number } | undefined;
      return userId === undefined || !found ? undefined : this.#conversations.summary(userId, found.id);
    });
  }

  peersAmong(user: string, others: readonly string[]): Promise<string[]> {
    return settle(() => {
      const userId = this.#users.find(user);
      return userId === undefined ? [] : this.#peers.among(user, userId, others);
    });
  }

  openConsumer(
    deviceId: string,
    consumer: string,
    { maxConsumers, startAt = this.head }: { maxConsumers: number; startAt?: number },
  ): Promise<number | undefined> {
    return settle(() => {
      const known = this.#statements.findConsumer.get(deviceId, consumer) as { position: number } | undefined;
      if (known) return known.position;
      const { count } = this.#statements.countConsumers.get(deviceId) as { count: number };
      if (count >= maxConsumers) return undefined;
      // Lost only with everything that was committed after it; then nothing came, and the consumer starts there again.
      this.#database.transaction(() => this.#statements.addConsumer.run(deviceId, consumer, startAt), {
        durable: false,
      });
      return startAt;
    });
  }

  /** The messages at `positions`, in this order, as far as the limits allow: always the first, if there is one. */
  #read(
    positions: readonly number[],
    { limit, maxBytes }: Limits,
    complete = (message: Message) => message,
  ): Message[] {
    const messages: Message[] = [];
    let bytes = 0;
    for (const position of positions.slice(0, limit)) {
      const row = this.#statements.read.get(position) as unknown as EntryRow;
      const message = complete(this.#toMessage(row));
      bytes += row.text.length + sizeBesideText(message);
      if (messages.length > 0 && bytes > maxBytes) break;
      messages.push(message);
    }
    return messages;
  }

  #readOne(position: number): Message {
    return this.#toMessage(this.#statements.read.get(position) as unknown as EntryRow);
  }

  #toMessage(row: EntryRow): Message {
    const message = toMessage(row);
    const attachment = row.file === 0 ? undefined : this.#attachments.at(row.position);
    return attachment === undefined ? message : { ...message, attachment };
  }

  #withReactions(message: Message, user: number): Message {
    if (message.event !== undefined || message.deleted) return message;
    const rows = this.#statements.reactions.all({ user, position: message.position }) as unknown as ReactionRow[];
    if (rows.length === 0) return message;
    rows.sort((one, other) => one.first - other.first);
    const reactions = rows.map(({ emoji, count, own }) => ({ emoji: decodeText(emoji), count, own: own !== 0 }));
    return { ...message, reactions };
  }
}

/** What is looked at before it becomes a message. */
interface EntryRow {
  position: number;
  text: Uint8Array;
  file: number;
}

interface ReactionRow {
  emoji: Uint8Array;
  count: number;
  own: number;
  first: number;
}

/** Bytes that reactions and a file's description may take on their way, about. */
function sizeBesideText({ reactions = [], attachment }: Message): number {
  const described = attachment === undefined ? 0 : 3 * attachment.name.length + attachment.mediaType.length + 64;
  return reactions.reduce((size, { emoji }) => size + 3 * emoji.length + 10, described);
}
