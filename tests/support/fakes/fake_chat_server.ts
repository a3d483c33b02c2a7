import type { Transport } from "../../../src/client/transport.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import type { Conversation, Message, Pin, SendRequest } from "../../../src/gen/chatd/v1/chat.ts";
import type { Member } from "../../../src/gen/chatd/v1/rooms.ts";
import type { ClientFrame, Hello } from "../../../src/gen/chatd/v1/session.ts";
import { lineDelayMs } from "../proxies/slow_line.ts";
import { wireMessage } from "../servers/wire_values.ts";
import { DelayedLine } from "./delayed_line.ts";
import { conversationOf, FakeSession, type LinkLife } from "./fake_session.ts";

/** A server in memory, as far as a client can tell; its links break where a test wants. */
export class FakeChatServer {
  epoch = "epoch-1";
  incarnation = "incarnation-1";
  /** Up to where earlier incarnations had this log. */
  parted = 0;
  /** What has a lower seq was removed from every conversation. */
  keptFrom = 1;
  /** Entries of a page of history at most, as when they are long. */
  maxPage = Infinity;
  log: Message[] = [];
  users = new Set<string>(["ana", "ben", "cat"]);
  /** Bytes of messages sent and not acknowledged, for each session. */
  windowBytes = 2_000;
  /** The life of the next link; without one, links do not break by themselves. */
  nextLife: () => LinkLife | undefined = () => undefined;
  /** Users of whom others hear that they are away. */
  readonly awayUsers = new Set<string>();
  /** Nobody listens. */
  down = false;
  /** Links stay, and nothing is read or answered. */
  frozen = false;
  /** The kind of requests that wait for {@link release}, while others are answered. */
  held: string | undefined;
  /** Answers the requests that wait. */
  readonly waiting: (() => void)[] = [];
  /** What clients send waits, as above their rate; frames go to them as ever. */
  throttled = false;
  /** Why to refuse this send; undefined accepts it. */
  refuseSend: (request: SendRequest) => ChatError | undefined = () => undefined;
  /** Why to refuse a request of this kind; undefined answers it. */
  refuseRequest: (kind: string) => ChatError | undefined = () => undefined;
  refuseHello: (hello: Hello) => ChatError | undefined = () => undefined;
  /** Returns a user's rooms and invitations; conversations of two people are those of the log. */
  roomsOf: (user: string) => readonly Conversation[] = () => [];
  /** Public rooms that a user may join. */
  openRooms: readonly Conversation[] = [];
  /** Members of rooms, by id. */
  readonly members = new Map<string, Member[]>();
  /** Told up to which position a client acknowledged. */
  onAck: (position: number) => void = () => {};
  /** Everything that clients sent, as it was read. */
  readonly framesRead: ClientFrame[] = [];
  readonly hellos: Hello[] = [];
  readonly tokens = new Map([["token-ana", "ana"], ["token-ben", "ben"], ["token-cat", "cat"]]);
  /** Display names and status texts of users. */
  readonly profiles = new Map<string, { displayName: string; status: string }>();
  readonly passwords = new Map<string, string>();
  readonly sessions = new Set<FakeSession>();
  readonly #cursors = new Map<string, number>();
  readonly #lines = new Set<DelayedLine>();
  #thaw = Promise.withResolvers<void>();

  readonly transport: Transport = {
    address: "127.0.0.1:50051",
    register: ({ user, password }) => {
      if (this.users.has(user)) return Promise.reject(new ChatError("already_exists", `The name "${user}" is taken.`));
      this.users.add(user);
      this.passwords.set(user, password);
      return Promise.resolve({ credentials: this.#newToken(user) });
    },
    logIn: ({ user, password }) => {
      if (this.passwords.get(user) !== password) {
        return Promise.reject(new ChatError("unauthenticated", "Wrong name or password."));
      }
      return Promise.resolve({ credentials: this.#newToken(user) });
    },
    openFiles: () => Promise.reject(new ChatError("unsupported_version", "This server has no files.")),
    connect: async ({ signal }) => {
      const opening = this.line(2);
      await opening.pass(signal);
      this.#lines.delete(opening);
      if (signal?.aborted) throw new ChatError("unavailable", "Cancelled.");
      if (this.down) throw new ChatError("unavailable", "Cannot reach 127.0.0.1:50051: connection refused.");
      const session = new FakeSession(this, this.nextLife() ?? { fromClient: Infinity, toClient: Infinity });
      this.sessions.add(session);
      return session.link;
    },
  };

  get head(): number {
    return this.log.at(-1)?.position ?? 0;
  }

  /** Whether nothing is on its way between clients and this server. */
  get isQuiet(): boolean {
    return [...this.#lines].every((line) => line.isEmpty);
  }

  /** Adds a line to this server. @param length 1 for one way */
  line(length = 1): DelayedLine {
    const line = new DelayedLine(length * lineDelayMs());
    this.#lines.add(line);
    return line;
  }

  profileOf(user: string): { displayName: string; status: string } {
    return this.profiles.get(user) ?? { displayName: "", status: "" };
  }

  /** Breaks every link. */
  cut(error = new ChatError("unavailable", "The connection was reset.")): void {
    for (const session of [...this.sessions]) session.cut(error);
  }

  thaw(): void {
    this.frozen = false;
    this.#thaw.resolve();
    this.#thaw = Promise.withResolvers();
  }

  release(): void {
    this.held = undefined;
    for (const answer of this.waiting.splice(0)) answer();
  }

  /** Resolves while the server is not frozen. */
  async awake(): Promise<void> {
    while (this.frozen) await this.#thaw.promise;
  }

  /** Somebody sends a message by other means. */
  append(sender: string, to: string, text: string, id: string = crypto.randomUUID()): Message {
    const conversation = conversationOf(sender, to);
    const seq = this.log.filter((message) => message.conversation === conversation).length + 1;
    const message = wireMessage({
      position: this.head + 1,
      conversation,
      seq,
      id,
      sender,
      acceptedAtMs: Date.now(),
      text,
      ordinal: seq,
    });
    this.log.push(message);
    return message;
  }

  /** A user pins a message, or removes its pin. @throws {ChatError} as the server */
  pin(user: string, { to, seq, remove = false }: { to: string; seq: number; remove?: boolean }): Message {
    const conversation = conversationOf(user, to);
    const target = this.log.find((message) => message.conversation === conversation && message.seq === seq);
    if (target === undefined || target.event !== undefined) {
      throw new ChatError("not_found", "There is no such message.");
    }
    if (target.pinned && !remove) throw new ChatError("already_exists", "The message is already pinned.");
    if (!target.pinned && remove) throw new ChatError("not_found", "The message is not pinned.");
    this.log[this.log.indexOf(target)] = { ...target, pinned: !remove };
    const kind = { $case: "pinned" as const, value: { seq, removed: remove } };
    return Object.assign(this.append(user, to, ""), { event: { kind } });
  }

  /** The pins of a conversation, the newest first. */
  pinsIn(conversation: string): Pin[] {
    const log = this.log.filter((message) => message.conversation === conversation);
    return log.toReversed().flatMap(({ event, sender, position, acceptedAtMs }) => {
      if (event?.kind?.$case !== "pinned" || event.kind.value.removed) return [];
      const { seq } = event.kind.value;
      const message = log.find((message) => message.seq === seq && message.pinned);
      return message === undefined ? [] : [{ message, user: sender, position, pinnedAtMs: acceptedAtMs }];
    });
  }

  deliverAll(): void {
    for (const session of this.sessions) session.deliver();
  }

  cursor(key: string): number {
    const cursor = this.#cursors.get(key) ?? this.head;
    this.#cursors.set(key, cursor);
    return cursor;
  }

  moveCursor(key: string, position: number): void {
    this.#cursors.set(key, Math.max(position, this.#cursors.get(key) ?? 0));
  }

  /** Another log takes the place of this one, as after a restored backup. */
  restore(log: Message[]): void {
    this.log = log;
    this.epoch += "+";
    this.#cursors.clear();
  }

  /** The same log as it was at an earlier time takes the place of this one, as after a snapshot was put back. */
  putBack(head: number): void {
    this.log = this.log.filter(({ position }) => position <= head);
    this.incarnation += "+";
    this.parted = head;
    for (const [key, position] of this.#cursors) this.#cursors.set(key, Math.min(position, head));
  }

  #newToken(user: string) {
    const token = `token-${user}-${this.tokens.size}`;
    this.tokens.set(token, user);
    return { user, token, deviceId: `device-of-${user}`, expiresAtMs: 0 };
  }
}
