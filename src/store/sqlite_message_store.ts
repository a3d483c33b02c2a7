import { directConversation, type Message } from "../core/message.ts";
import type {
  Change,
  ChangeResult,
  ConversationSummary,
  HistoryPage,
  MessageBatch,
  MessageStore,
} from "../core/message_store.ts";
import { Backlog, type BacklogOptions } from "./backlog.ts";
import { decodeId, decodeText, encodeId, settle } from "./column_values.ts";
import { Committer } from "./commit.ts";
import type { Database } from "./database.ts";

interface EntryRow {
  position: number;
  conversation: string;
  seq: number;
  sender: string;
  id: Uint8Array;
  accepted_at: number;
  text: Uint8Array;
}

interface ConversationRow {
  headSeq: number;
  headPosition: number;
}

interface Limits {
  limit: number;
  maxBytes: number;
}

const newestId = "ffffffff-ffff-ffff-ffff-ffffffffffff";
const userId = "(SELECT id FROM user WHERE name = ?)";

function prepareStatements(database: Database) {
  return {
    epoch: database.prepare("SELECT epoch FROM log"),
    read: database.prepare(
      `SELECT e.position, c.name AS conversation, e.seq, u.name AS sender, e.id, e.accepted_at, e.text
       FROM entry e JOIN conversation c ON c.id = e.conversation JOIN user u ON u.id = e.sender WHERE e.position = ?`,
    ),
    conversation: database.prepare("SELECT id, head_seq AS headSeq FROM conversation WHERE name = ?"),
    history: database.prepare(
      "SELECT position FROM entry WHERE conversation = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
    ),
    sent: database.prepare(`SELECT position FROM entry WHERE sender = ${userId} AND id < ? ORDER BY id DESC LIMIT ?`),
    conversations: database.prepare(
      `SELECT c.head_seq AS headSeq, m.head_position AS headPosition
       FROM member m CROSS JOIN conversation c ON c.id = m.conversation CROSS JOIN entry e ON e.position = m.head_position
       WHERE m.user = ${userId} AND m.head_position < ? ORDER BY m.head_position DESC LIMIT ?`,
    ),
    countConversations: database.prepare(
      `SELECT count(*) AS count FROM (SELECT 1 FROM member WHERE user = ${userId} LIMIT ?)`,
    ),
    peers: database.prepare(
      `SELECT u.name FROM member mine CROSS JOIN member m ON m.conversation = mine.conversation
       CROSS JOIN user u ON u.id = m.user WHERE mine.user = ${userId}`,
    ),
    existing: database.prepare(
      "SELECT given.key AS place FROM json_each(?) given WHERE EXISTS (SELECT 1 FROM conversation WHERE name = given.value)",
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
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #committer: Committer;
  readonly #backlog: Backlog;

  constructor(database: Database, options: BacklogOptions = {}) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#committer = new Committer(database);
    this.#backlog = new Backlog(database, options);
    this.epoch = (this.#statements.epoch.get() as { epoch: string }).epoch;
  }

  get head(): number {
    return this.#committer.head;
  }

  commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    return settle(() => this.#committer.commit(changes));
  }

  messagesAfter(user: string, position: number, { limit, maxBytes }: Limits): Promise<MessageBatch> {
    return settle(() => {
      const { positions, through } = this.#backlog.pageAfter(user, position, { head: this.head, limit });
      const messages = this.#read(positions, { limit, maxBytes });
      const whole = messages.length === positions.length;
      return { messages, through: whole ? through : messages[messages.length - 1].position };
    });
  }

  history(
    conversation: string,
    { beforeSeq, limit, maxBytes }: Limits & { beforeSeq: number },
  ): Promise<HistoryPage> {
    return settle(() => {
      const found = this.#statements.conversation.get(conversation) as { id: number; headSeq: number } | undefined;
      if (!found) return { messages: [], headSeq: 0, more: false };
      const before = beforeSeq === 0 ? found.headSeq + 1 : beforeSeq;
      // One more than asked for tells whether anything is left.
      const positions = toPositions(this.#statements.history.all(found.id, before, limit + 1));
      const messages = this.#read(positions, { limit, maxBytes }).reverse();
      return { messages, headSeq: found.headSeq, more: messages.length < positions.length };
    });
  }

  sentBy(
    sender: string,
    { beforeId, limit, maxBytes }: Limits & { beforeId: string },
  ): Promise<{ messages: Message[]; more: boolean }> {
    return settle(() => {
      const before = encodeId(beforeId === "" ? newestId : beforeId);
      const positions = toPositions(this.#statements.sent.all(sender, before, limit + 1));
      const messages = this.#read(positions, { limit, maxBytes }).reverse();
      return { messages, more: messages.length < positions.length };
    });
  }

  conversationsOf(
    user: string,
    { beforePosition, limit, maxBytes }: Limits & { beforePosition: number },
  ): Promise<{ conversations: ConversationSummary[]; more: boolean }> {
    return settle(() => {
      const before = beforePosition === 0 ? Number.MAX_SAFE_INTEGER : beforePosition;
      const rows = this.#statements.conversations.all(user, before, limit + 1) as unknown as ConversationRow[];
      const messages = this.#read(rows.map(({ headPosition }) => headPosition), { limit, maxBytes });
      const conversations = messages.map((last, index) => {
        return { conversation: last.conversation, headSeq: rows[index].headSeq, last };
      });
      return { conversations, more: conversations.length < rows.length };
    });
  }

  peersAmong(user: string, others: readonly string[]): Promise<string[]> {
    return settle(() => {
      const { count } = this.#statements.countConversations.get(user, others.length + 1) as { count: number };
      const peers = count > others.length ? this.#talkingWith(user, others) : this.#allPeers(user);
      return others.filter((other) => other !== user && peers.has(other));
    });
  }

  openConsumer(
    deviceId: string,
    consumer: string,
    { maxConsumers }: { maxConsumers: number },
  ): Promise<number | undefined> {
    return settle(() => {
      const known = this.#statements.findConsumer.get(deviceId, consumer) as { position: number } | undefined;
      if (known) return known.position;
      const { count } = this.#statements.countConsumers.get(deviceId) as { count: number };
      if (count >= maxConsumers) return undefined;
      const head = this.head;
      this.#database.transaction(() => this.#statements.addConsumer.run(deviceId, consumer, head));
      return head;
    });
  }

  #talkingWith(user: string, others: readonly string[]): Set<string> {
    const conversations = JSON.stringify(others.map((other) => directConversation(user, other)));
    return new Set(this.#statements.existing.all(conversations).map(({ place }) => others[place as number]));
  }

  #allPeers(user: string): Set<string> {
    return new Set(this.#statements.peers.all(user).map(({ name }) => name as string));
  }

  /** The messages at `positions`, in this order, as far as the limits allow: always the first, if there is one. */
  #read(positions: readonly number[], { limit, maxBytes }: Limits): Message[] {
    const messages: Message[] = [];
    let bytes = 0;
    for (const position of positions.slice(0, limit)) {
      const row = this.#statements.read.get(position) as unknown as EntryRow;
      bytes += row.text.length;
      if (messages.length > 0 && bytes > maxBytes) break;
      messages.push(toMessage(row));
    }
    return messages;
  }
}

function toPositions(rows: unknown[]): number[] {
  return (rows as { position: number }[]).map(({ position }) => position);
}

function toMessage(row: EntryRow): Message {
  return {
    position: row.position,
    conversation: row.conversation,
    seq: row.seq,
    id: decodeId(row.id),
    sender: row.sender,
    acceptedAt: row.accepted_at,
    text: decodeText(row.text),
  };
}
