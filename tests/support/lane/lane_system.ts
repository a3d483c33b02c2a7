import assert from "node:assert/strict";
import type { ConversationSummary } from "../../../src/core/messages/message_store.ts";
import type { Message } from "../../../src/core/messages/message.ts";
import type { Reply } from "../../../src/gen/chatd/v1/session.ts";
import { CountedMetrics } from "../fakes/counted_metrics.ts";
import { turns, until } from "../waiting/turns.ts";
import { acceptedSends, type LaneConnection, repliesByRequest, unansweredSends } from "./lane_connection.ts";
import {
  bannedUsers,
  type Burst,
  deletable,
  requestOf,
  type Script,
  scriptUsers,
  sessionUsers,
} from "./lane_scripts.ts";
import { LaneStore } from "./lane_store.ts";
import type { RequestKind } from "../servers/received_frames.ts";
import { TestChat } from "../servers/test_chat.ts";
import { TestRooms } from "../servers/test_rooms.ts";
import { TestSession } from "../servers/test_session.ts";
import { type OpenChatStore, TestStore } from "../servers/test_store.ts";

export interface LaneSystemOptions {
  /** Opens the store; it is in memory unless given. */
  open?: OpenChatStore;
  /** Whether the store refuses the next batch of plain messages; it takes all unless given. */
  refuses?(): boolean;
  /** Whether frames are decoded before the session takes them, and no message takes the lane. */
  decodes?: boolean;
  /** Whether a thread writes all batches of plain messages, once it has started. */
  inThread?: boolean;
  /** Milliseconds after which the store answers. */
  latenessMs?: number;
}

/** The data that users may see at the end, and the counts until then. */
export interface FinalState {
  readonly log: Readonly<Record<string, readonly Message[]>>;
  readonly conversations: Readonly<Record<string, readonly ConversationSummary[]>>;
  /** By user: their own messages by id, and messages with some word. */
  readonly lists: Readonly<Record<string, readonly (readonly Message[])[]>>;
  /** Refusals and ends of sessions. */
  readonly counted: readonly string[];
  readonly committed: { readonly messages: number; readonly events: number };
  readonly deliveries: number;
  /** Tokens that the users' requests cost. */
  readonly costs: readonly number[];
}

/** Positions of readers, which follow a user's own messages after a while. */
const timedFields = new Set(["readSeq", "peerReadSeq", "peerDeliveredSeq"]);
const page = { limit: 100_000, maxBytes: 1_000_000_000 };
/** An allowance that nothing exceeds, and that is not refilled noticeably. */
const rate = { perSecond: 1e-3, burst: 1_000_000 };
/** A window that replies fill soon; larger than the largest item. */
const smallWindow = 20_000;
const aliases = /deleted\.[a-z2-7]{8}/g;

interface SystemParts {
  readonly rooms: string[];
  readonly tokens: string[];
  readonly decodes: boolean;
  /** Disposed of with the system. */
  readonly closing: DisposableStack;
  readonly metrics: CountedMetrics;
}

/** A chat that a script runs on: its sessions, and everything that they received. */
export class LaneSystem implements AsyncDisposable {
  readonly test: TestChat;
  /** The ids of the rooms "ops", which is public, and "den". */
  readonly rooms: readonly string[];
  /** All connections, in the order of their beginning. */
  readonly connections: LaneConnection[] = [];
  readonly #decodes: boolean;
  readonly #closing: DisposableStack;
  readonly #metrics: CountedMetrics;
  readonly #banned = [...bannedUsers];
  #isDeleted = false;
  /** Accounts that are being deleted. */
  #deletions: Promise<void>[] = [];
  readonly #tokens: readonly string[];
  /** The ids that other systems do not have. */
  readonly #ownIds: string[] = [];
  /** By index of the session. */
  readonly #open: (LaneConnection | undefined)[] = [];

  private constructor(test: TestChat, options: SystemParts) {
    this.test = test;
    this.rooms = options.rooms;
    this.#tokens = options.tokens;
    this.#decodes = options.decodes;
    this.#closing = options.closing;
    this.#metrics = options.metrics;
  }

  static async open(
    { open = TestStore.openWith, refuses, decodes = false, inThread = false, latenessMs }: LaneSystemOptions,
  ): Promise<LaneSystem> {
    const closing = new DisposableStack();
    const store = inThread ? LaneStore.openWithThread(closing) : await open((log) => new LaneStore(log, refuses));
    const metrics = new CountedMetrics();
    const test = await TestChat.open({ users: [...scriptUsers, ...bannedUsers], store, latenessMs, rate, metrics });
    // A message that waited may take the lane from a decoded frame, too.
    if (decodes) test.chat.lane.findRoute = () => undefined;
    const made = new TestRooms(test);
    const ops = await made.create("ana", "ops");
    const den = await made.create("ben", "den", { isPublic: false });
    await made.join("ben", ops);
    await made.join("cleo", ops);
    await made.invite("ben", den, "ana");
    await made.join("ana", den);
    for (const user of bannedUsers) {
      await made.remove("ana", ops, user, { ban: true });
      await made.remove("ben", den, user, { ban: true });
    }
    // Conversations begin outside the lane, and those of dan are not begun.
    for (const sender of ["ana", "ben", "cleo"]) {
      for (const to of ["ana", "ben", "cleo"]) await test.send(sender, to, "the first");
    }
    const tokens: string[] = [];
    for (const user of sessionUsers) tokens.push((await test.logIn(user)).token);
    const system = new LaneSystem(test, { rooms: [ops, den], tokens, decodes, closing, metrics });
    const ids = Object.values(await system.#visible()).flat().map(({ id }) => id);
    system.#ownIds.push(ops, den, ...new Set(ids));
    for (const index of sessionUsers.keys()) await system.#connection(index);
    return system;
  }

  /** The number of plain messages that the store got. */
  get plainMessages(): number {
    return this.#messages.plain;
  }

  /** Runs a script; each of its requests gets the next of `ids`. */
  async run(script: Script, ids: readonly string[]): Promise<void> {
    const rest = ids.values();
    const earlier = new Map<string, RequestKind[]>(scriptUsers.map((user) => [user, []]));
    for (const { bursts, settles } of script) {
      const connections: (LaneConnection | undefined)[] = [];
      for (const { session } of bursts) connections.push(await this.#connection(session));
      bursts.forEach((burst, index) => {
        const connection = connections[index];
        if (connection === undefined) return;
        const { user } = connection;
        const known = earlier.get(user)!;
        const kinds = burst.actions.map((action) => {
          const kind = requestOf(action, { user, id: rest.next().value!, rooms: this.rooms, earlier: known });
          known.push(kind);
          return kind;
        });
        if (burst.deletesBanned) this.#delete(this.#banned.pop());
        this.#send(connection, burst, kinds);
      });
      if (settles) await this.#settle();
      else await turns(1);
      this.test.clock.advance(1_000);
    }
    await this.#settle();
  }

  /** Returns the replies to a connection's requests, in the order of the requests, with the system's own ids replaced. */
  replies(connection: LaneConnection): Reply[] {
    // The reply to hello is of this system alone.
    return this.#renamed(repliesByRequest(connection).slice(1));
  }

  /** Waits until each open session has received all messages that its user may see, and checks that no others came. */
  async checkDeliveries(): Promise<void> {
    const visible = await this.#visible();
    const due = (connection: LaneConnection) => {
      const own = new Set(acceptedSends(connection).map(({ position }) => position));
      const unanswered = unansweredSends(connection);
      return visible[connection.user].filter(({ position, id }) =>
        position > connection.cursor && !own.has(position) && !unanswered.has(id)
      ).map(({ position }) => position);
    };
    const received = (connection: LaneConnection) => {
      const unanswered = unansweredSends(connection);
      return connection.session.messages.filter(({ id }) => !unanswered.has(id)).map(({ position }) => position);
    };
    for (const connection of this.#open) {
      if (connection === undefined) continue;
      const { length } = due(connection);
      await until(() => {
        connection.session.acknowledge();
        return received(connection).length >= length;
      }, { what: `deliveries to ${connection.user}` });
    }
    await turns(5);
    for (const connection of this.connections) {
      if (this.#isGone(connection)) continue;
      const isOpen = this.#open.includes(connection);
      const all = received(connection);
      assert.deepEqual(all, isOpen ? due(connection) : due(connection).slice(0, all.length), connection.user);
    }
  }

  /** Checks replies that came in any order: each message that a reply accepts is in the log once, in its place. */
  async checkReplies(): Promise<void> {
    const visible = await this.#visible();
    for (const connection of this.connections) {
      if (this.#isGone(connection)) continue;
      const { sent, user, isLost } = connection;
      const answered = repliesByRequest(connection).map(({ requestId }) => requestId).slice(1);
      if (!isLost) assert.deepEqual(answered, sent.map(({ id }) => id), `replies to ${user}`);
      const newest = new Map<string, number>();
      for (const { position, conversation, seq, acceptedAtMs, text, id } of acceptedSends(connection)) {
        const found = visible[user].filter((each) => each.id === id && each.sender === user);
        const [entry] = found;
        assert.equal(found.length, 1, `${text} is ${found.length} times in the log`);
        assert.deepEqual(
          [entry.position, entry.conversation.replace(aliases, deletable), entry.seq, entry.acceptedAt],
          [position, conversation, seq, acceptedAtMs],
        );
        if (!entry.deleted && entry.editedAt === undefined) assert.equal(entry.text, text);
        assert.ok(position > (newest.get(conversation) ?? 0), `${conversation} is not in the order of the requests`);
        newest.set(conversation, position);
      }
    }
    for (const user of scriptUsers) {
      const positions = visible[user].map(({ position }) => position);
      assert.deepEqual(positions, [...new Set(positions)].toSorted((one, other) => one - other));
    }
  }

  /** Ends all sessions, and returns the final state, with the system's own ids replaced. */
  async end(): Promise<FinalState> {
    const found: Record<string, readonly Message[]> = {};
    for (const user of scriptUsers) found[user] = await this.#find(user, "nul");
    await this.test.chat.close();
    const { messages } = this.test.store;
    const conversations: Record<string, readonly ConversationSummary[]> = {};
    const lists: Record<string, readonly (readonly Message[])[]> = {};
    for (const user of scriptUsers) {
      const sent = (await messages.sentBy(user, { beforeId: "", ...page })).messages;
      // Ids that were made at the same time are in any order.
      lists[user] = [sent.toSorted((one, other) => one.position - other.position), found[user]];
      conversations[user] = (await messages.conversationsOf(user, { beforePosition: 0, ...page })).conversations;
    }
    const { counted, commits, deliveries } = this.#metrics;
    const sum = (key: "messages" | "events") => commits.reduce((all, each) => all + each[key], 0);
    const { perSecond, burst } = rate;
    return this.#renamed({
      log: await this.#visible(),
      conversations,
      lists,
      counted: counted.filter((each) => /refused|ended/.test(each)).toSorted(),
      committed: { messages: sum("messages"), events: sum("events") },
      deliveries: deliveries.length,
      costs: scriptUsers.map((user) => Math.round(this.test.chat.takeAllowance(user, burst) * perSecond / 1_000)),
    });
  }

  async #find(user: string, query: string): Promise<readonly Message[]> {
    const { messages } = await this.test.chat.searches.find(user, { query, beforePosition: 0, limit: 100 });
    return messages;
  }

  #renamed<T>(value: T): T {
    let text = JSON.stringify(value, (key, each) => timedFields.has(key) ? undefined : each);
    text = text.replaceAll(aliases, "a deleted account");
    this.#ownIds.forEach((id, index) => text = text.replaceAll(id, `own id ${index}`));
    return JSON.parse(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test.close();
    this.#closing.dispose();
  }

  async #visible(): Promise<Record<string, readonly Message[]>> {
    const { messages: store } = this.test.store;
    const visible: Record<string, Message[]> = {};
    for (const user of scriptUsers) {
      visible[user] = [];
      for (let position = 0; position < store.head;) {
        const { messages, through } = await store.messagesAfter(user, position, page);
        visible[user].push(...messages);
        position = through;
      }
    }
    return visible;
  }

  /**
   * Returns the connection of a session, which begins a new one if it has ended; undefined when its user's account was
   * deleted.
   */
  async #connection(index: number): Promise<LaneConnection | undefined> {
    const known = this.#open[index];
    if (known !== undefined) return known;
    if (this.#isGone({ user: sessionUsers[index] })) return undefined;
    // A new session of a device's consumer ends the one before it.
    const before = this.connections.findLast((each) => each.index === index);
    if (before !== undefined) before.isLost = true;
    const windowBytes = index % 2 === 0 ? undefined : smallWindow;
    const session = new TestSession(this.test, { decodes: this.#decodes, windowBytes });
    const { cursor } = await session.hello(this.#tokens[index], { protocolVersion: 2 });
    const connection = { index, user: sessionUsers[index], session, cursor, sent: [], isLost: false, isOver: false };
    this.connections.push(connection);
    return this.#open[index] = connection;
  }

  #send(connection: LaneConnection, { joined, acknowledges, end, session: index }: Burst, kinds: RequestKind[]): void {
    const { session, sent } = connection;
    if (connection.isOver) return;
    if (acknowledges && session.receiptFor() > 0) session.acknowledge();
    for (let at = 0; at < kinds.length; at += joined) {
      const frame = kinds.slice(at, at + joined);
      session.request(...frame).forEach((id, place) => sent.push({ id, kind: frame[place] }));
    }
    if (end === "goes on") return;
    connection.isOver = true;
    if (end === "leaves") session.session.leave();
    else {
      connection.isLost = true;
      if (end === "is deleted" && connection.user === deletable) this.#deleteSender();
      else session.session.disconnected();
    }
    this.#open[index] = undefined;
  }

  /** Deletes the account of the user whose session has just sent. */
  #deleteSender(): void {
    this.#isDeleted = true;
    this.#delete(deletable);
  }

  #delete(user: string | undefined): void {
    if (user !== undefined) this.#deletions.push(this.test.chat.deletion.delete(user));
  }

  /** Returns whether a user's account was deleted. */
  #isGone({ user }: Pick<LaneConnection, "user">): boolean {
    return this.#isDeleted && user === deletable;
  }

  get #messages(): LaneStore {
    return this.test.store.messages as LaneStore;
  }

  /** Waits until all requests of connections that were not lost have replies. */
  async #settle(): Promise<void> {
    for (const { session, sent, isLost, user } of this.connections) {
      if (isLost) continue;
      await until(() => {
        if (session.ended === undefined && session.receiptFor() > 0) session.acknowledge();
        return session.replies.length > sent.length;
      }, { what: `replies to ${user}` });
    }
    await Promise.all(this.#deletions);
    // Messages of lost connections are committed, too: a commit that waited begins in the turn after the one before.
    do {
      await until(() => !this.#messages.isCommitting);
      await turns(2);
    } while (this.#messages.isCommitting);
  }
}
