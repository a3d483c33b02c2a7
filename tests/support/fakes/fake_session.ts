import { decodeFrame, type ReceivedFrame } from "../../../src/client/received_frame.ts";
import type { Link } from "../../../src/client/transport.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import { conversationAddress, directConversation, directMembers } from "../../../src/core/messages/message.ts";
import { isRoomId } from "../../../src/core/rooms/room.ts";
import {
  type Conversation,
  type Message,
  PresenceState,
  Role,
  type SendRequest,
} from "../../../src/gen/chatd/v1/chat.ts";
import {
  ClientFrame,
  type Hello,
  Item,
  type Reply,
  type Request,
  ServerFrame,
} from "../../../src/gen/chatd/v1/session.ts";
import { DirectMessages, type Settings } from "../../../src/gen/chatd/v1/settings.ts";
import { wireConversation } from "../servers/wire_values.ts";
import type { DelayedLine } from "./delayed_line.ts";
import type { FakeChatServer } from "./fake_chat_server.ts";

type Result = NonNullable<Reply["result"]>;

/** After how many frames, each way, a link breaks. */
export interface LinkLife {
  fromClient: number;
  toClient: number;
}

/** Of everybody who is there already. */
export const fakePassword = "correct horse";

/** Whether requests mean a conversation by an address; the name of a private room is none. */
function hasAddress(text: string): (conversation: Conversation) => boolean {
  return ({ address, room }) => address === text || (room?.public === true && text === `#${room.name}`);
}

/** The conversation that an address means for a user. */
export function conversationOf(user: string, address: string): string {
  return isRoomId(address) ? address : directConversation(user, address);
}

/** One session on the server, and the link to it. */
export class FakeSession {
  readonly link: Link;
  user = "";
  readonly #server: FakeChatServer;
  readonly #life: LinkLife;
  readonly #toServer: ClientFrame[] = [];
  readonly #upstream: DelayedLine;
  readonly #downstream: DelayedLine;
  readonly #toClient: ReceivedFrame[] = [];
  #wakeClient = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  #pumping = false;
  #failure: ChatError | undefined;
  #closed = false;
  #items: Item[] = [];
  #through = 0;
  #flushing = false;
  #key = "";
  #sent = 0;
  #unacknowledged: { position: number; bytes: number }[] = [];
  /** `through` of the frames that were sent and not acknowledged, by receipt. */
  readonly #sentFrames = new Map<number, number>();
  #lastReceipt = 0;
  readonly #own = new Set<number>();

  constructor(server: FakeChatServer, life: LinkLife) {
    this.#server = server;
    this.#life = { ...life };
    this.#upstream = server.line();
    this.#downstream = server.line();
    this.link = {
      send: (frame) => {
        if (this.#closed || this.#failure) return;
        const bytes = ClientFrame.encode(frame).finish();
        if (bytes.length > 64 * 1024) throw new RangeError(`A frame of ${bytes.length} bytes`);
        this.#upstream.send(() => {
          this.#toServer.push(ClientFrame.decode(bytes));
          void this.#pump();
        });
      },
      frames: this.#frames(),
      close: async () => {
        this.#closed = true;
        this.#over.resolve();
        this.#wakeClient.resolve();
        this.#downstream.cut();
        // The last frames of the client still arrive.
        await this.#upstream.pass();
        this.#server.sessions.delete(this);
      },
    };
  }

  cut(error: ChatError): void {
    this.#failure ??= error;
    this.#upstream.cut();
    this.#downstream.cut();
    this.#over.resolve();
    this.#server.sessions.delete(this);
    this.#wakeClient.resolve();
  }

  /** The server ends the session with a reason. */
  end(error: ChatError): void {
    const { code, message, retryAfterMs = 0 } = error;
    this.#send({ $case: "sessionEnded", value: { error: { code, message, retryAfterMs } } });
  }

  /** Something that is no reply and no entry of a log. */
  tell(item: NonNullable<Item["kind"]>): void {
    this.#send(item);
  }

  tellPresence(user: string, online: boolean): void {
    this.#send({
      $case: "presence",
      value: { user, online, state: online ? PresenceState.ONLINE : PresenceState.OFFLINE },
    });
  }

  deliver(): void {
    if (this.user === "") return;
    for (const message of this.#server.log) {
      if (message.position <= this.#sent) continue;
      const kind = { $case: "message" as const, value: message };
      const { length } = Item.encode({ kind }).finish();
      const bytes = this.#unacknowledged.reduce((sum, each) => sum + each.bytes, 0);
      if (bytes > 0 && bytes + length > this.#server.windowBytes) return;
      this.#sent = message.position;
      this.#through = message.position;
      if (!this.#mayRead(message.conversation)) continue;
      if (this.#own.has(message.position)) continue;
      this.#unacknowledged.push({ position: message.position, bytes: length });
      this.#send(kind);
    }
  }

  async *#frames(): AsyncGenerator<ReceivedFrame> {
    for (;;) {
      await Promise.race([this.#server.awake(), this.#over.promise]);
      if (this.#closed) return;
      const frame = this.#toClient.shift();
      if (frame) {
        if (this.#life.toClient-- <= 0) this.cut(new ChatError("unavailable", "The connection broke."));
        else yield frame;
        continue;
      }
      if (this.#failure) throw this.#failure;
      await this.#wakeClient.promise;
      this.#wakeClient = Promise.withResolvers();
    }
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#server.throttled) {
      const frame = this.#toServer.shift();
      if (frame === undefined) break;
      await this.#server.awake();
      if (this.#failure) break;
      if (this.#life.fromClient-- <= 0) {
        this.cut(new ChatError("unavailable", "The connection broke."));
        break;
      }
      this.#server.framesRead.push(frame);
      for (const request of frame.requests) this.#handle(request);
      this.#server.deliverAll();
    }
    this.#pumping = false;
  }

  #handle(request: Request): void {
    const kind = request.kind!;
    if (kind.$case === "ack") return this.#acknowledge(kind.value.receipt);
    if (kind.$case === this.#server.held) return void this.#server.waiting.push(() => this.#handle(request));
    try {
      const refusal = this.#server.refuseRequest(kind.$case);
      if (refusal) throw refusal;
      this.#reply(request.id, this.#answer(kind));
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      const value = { code: error.code, message: error.message, retryAfterMs: error.retryAfterMs ?? 0 };
      this.#reply(request.id, { $case: "error", value });
    }
  }

  #answer(kind: NonNullable<Request["kind"]>): Result {
    const server = this.#server;
    switch (kind.$case) {
      case "hello":
        return this.#hello(kind.value);
      case "ping":
        return { $case: "ping", value: {} };
      case "send":
        return this.#accept(kind.value);
      case "history": {
        const conversation = conversationOf(this.user, kind.value.with);
        const all = server.log.filter((message) => message.conversation === conversation);
        const { beforeSeq, afterSeq, fromMs, limit } = kind.value;
        const kept = all.filter(({ seq }) => seq >= server.keptFrom);
        const since = kept.filter(({ seq, acceptedAtMs }) => seq > afterSeq && acceptedAtMs >= fromMs);
        const wanted = since.filter(({ seq }) => seq < (beforeSeq || Infinity));
        const size = Math.min(limit || 50, server.maxPage);
        const messages = afterSeq > 0 || fromMs > 0 ? wanted.slice(0, size) : wanted.slice(-size);
        const firstSeq = messages.at(0)?.seq ?? 0;
        const lastSeq = messages.at(-1)?.seq ?? 0;
        return {
          $case: "history",
          value: {
            messages,
            firstSeq,
            lastSeq,
            headSeq: all.length,
            more: firstSeq > server.keptFrom,
            startSeq: kept.at(0)?.seq ?? 0,
            moreAfter: lastSeq < all.length && (afterSeq > 0 || fromMs > 0),
          },
        };
      }
      case "read":
        return { $case: "read", value: {} };
      case "pin":
        server.pin(this.user, kind.value);
        return { $case: "pin", value: { entry: undefined } };
      case "listPins":
        return {
          $case: "listPins",
          value: { pins: server.pinsIn(conversationOf(this.user, kind.value.with)), more: false },
        };
      case "joinRoom": {
        const { room: name } = kind.value;
        const invitations = server.roomsOf(this.user).filter(({ role }) => role === Role.INVITED);
        const found = [...server.openRooms, ...invitations].find(hasAddress(name));
        if (found === undefined) throw new ChatError("not_found", `There is no room "${name}".`);
        const joined = { ...found, role: Role.MEMBER };
        const before = server.roomsOf;
        const others = (user: string) => before(user).filter(({ conversation }) => conversation !== found.conversation);
        server.roomsOf = (user) => user === this.user ? [...others(user), joined] : before(user);
        return { $case: "joinRoom", value: { room: found.room, entry: undefined } };
      }
      case "setAway":
        return { $case: "setAway", value: {} };
      case "listMembers": {
        const members = server.members.get(kind.value.room) ?? [];
        return { $case: "listMembers", value: { members, more: false } };
      }
      case "listRooms": {
        const rooms = server.openRooms.flatMap(({ room }) => room ?? []);
        return { $case: "listRooms", value: { rooms, more: false } };
      }
      case "leaveRoom":
        server.roomsOf = () => [];
        return { $case: "leaveRoom", value: { entry: undefined } };
      case "sent": {
        const messages = server.log.filter(({ sender }) => sender === this.user).slice(-(kind.value.limit || 50));
        return { $case: "sent", value: { messages, more: false } };
      }
      case "search": {
        const words = kind.value.query.split(" ");
        const mine = server.log.filter(({ conversation }) => directMembers(conversation).includes(this.user));
        const all = mine.filter(({ text }) => words.every((word) => text.split(" ").includes(word))).reverse();
        const messages = all.slice(0, 20);
        const place = { nextBeforePosition: messages.at(-1)?.position ?? 0, more: all.length > 20 };
        const index = { indexedThrough: server.head, indexedUntilMs: Date.now(), head: server.head };
        return { $case: "search", value: { messages, ...place, ...index } };
      }
      case "listConversations": {
        return { $case: "listConversations", value: { conversations: this.#conversations(), more: false } };
      }
      case "getConversation": {
        const { with: asked } = kind.value;
        const conversation = [...this.#conversations(), ...server.openRooms].find(hasAddress(asked));
        if (conversation !== undefined) return { $case: "getConversation", value: { conversation } };
        throw new ChatError("not_found", `There is no conversation "${kind.value.with}" that you can see.`);
      }
      case "listUsers": {
        const online = new Set([...server.sessions].map((session) => session.user));
        const stateOf = (name: string) => {
          if (!online.has(name)) return PresenceState.OFFLINE;
          return server.awayUsers.has(name) ? PresenceState.AWAY : PresenceState.ONLINE;
        };
        const users = [...server.users].sort().map((name) => ({
          name,
          online: online.has(name),
          state: stateOf(name),
          lastSeenMs: 0,
          ...server.profileOf(name),
        }));
        return { $case: "listUsers", value: { users, more: false } };
      }
      case "deleteAccount":
        if (kind.value.password !== fakePassword) throw new ChatError("permission_denied", "The password is wrong.");
        return { $case: "deleteAccount", value: {} };
      case "whoAmI":
        return {
          $case: "whoAmI",
          value: { user: this.user, deviceId: "device-1", deviceName: "a terminal", tokenExpiresAtMs: 0 },
        };
      case "getSettings":
        return { $case: "getSettings", value: { settings: this.#settings, blocked: [] } };
      case "updateSettings": {
        const { displayName, status } = kind.value;
        const before = server.profileOf(this.user);
        server.profiles.set(this.user, {
          displayName: displayName ?? before.displayName,
          status: status ?? before.status,
        });
        return { $case: "updateSettings", value: { settings: this.#settings } };
      }
      default:
        throw new ChatError("invalid_argument", `The fake server does not know ${kind.$case}.`);
    }
  }

  get #settings(): Settings {
    const directMessages = DirectMessages.ANYONE;
    return { readReceipts: true, presence: true, directMessages, ...this.#server.profileOf(this.user) };
  }

  #conversations(): Conversation[] {
    const latest = new Map<string, Message>();
    for (const message of this.#server.log) {
      if (directMembers(message.conversation).includes(this.user)) latest.set(message.conversation, message);
    }
    const direct = [...latest.values()].map((last) =>
      wireConversation({
        address: conversationAddress(last.conversation, this.user),
        conversation: last.conversation,
        headSeq: last.seq,
        last,
        readSeq: last.seq,
        position: last.position,
        ...this.#server.profileOf(conversationAddress(last.conversation, this.user)),
      })
    );
    return [...direct, ...this.#server.roomsOf(this.user)].sort((a, b) => b.position - a.position);
  }

  #mayRead(conversation: string): boolean {
    if (!isRoomId(conversation)) return directMembers(conversation).includes(this.user);
    return this.#server.roomsOf(this.user).some((room) => room.conversation === conversation);
  }

  #hello(hello: Hello): Result {
    const server = this.#server;
    server.hellos.push(hello);
    const refusal = server.refuseHello(hello);
    if (refusal) throw refusal;
    const user = server.tokens.get(hello.token);
    if (!user) throw new ChatError("unauthenticated", "The token is not valid: log in again.");
    this.user = user;
    this.#key = `${user}/${hello.consumer}`;
    const isNewest = hello.incarnation === server.incarnation || hello.incarnation === "";
    const sharedThrough = isNewest ? server.head : server.parted;
    const resumeAfter = hello.epoch === server.epoch ? Math.min(hello.resumeAfter, sharedThrough) : 0;
    const cursor = Math.max(server.cursor(this.#key), resumeAfter);
    this.#sent = cursor;
    const value = {
      user,
      deviceId: "device-1",
      epoch: server.epoch,
      cursor,
      head: server.head,
      protocolMin: 1,
      protocolMax: 2,
      server: "fake/1",
      windowBytes: server.windowBytes,
      stateRevision: 0,
      incarnation: server.incarnation,
      sharedThrough,
    };
    return { $case: "hello", value };
  }

  #accept(request: SendRequest): Result {
    const server = this.#server;
    const before = server.log.find(({ id, sender }) => id === request.id && sender === this.user);
    const refusal = before ? undefined : server.refuseSend(request);
    if (refusal) throw refusal;
    const mayWrite = isRoomId(request.to) ? this.#mayRead(request.to) : server.users.has(request.to);
    if (!mayWrite) throw new ChatError("not_found", `There is no user "${request.to}".`);
    const { text, id, replyToSeq } = request;
    const message = before ?? Object.assign(server.append(this.user, request.to, text, id), { replyToSeq });
    if (!before) this.#own.add(message.position);
    const { position, conversation, seq, acceptedAtMs } = message;
    return { $case: "send", value: { position, conversation, seq, acceptedAtMs, duplicate: before !== undefined } };
  }

  #acknowledge(receipt: number): void {
    if (!this.#sentFrames.has(receipt)) throw new RangeError(`No frame waits for receipt ${receipt}`);
    let position = 0;
    for (const [each, through] of this.#sentFrames) {
      this.#sentFrames.delete(each);
      position = Math.max(position, through);
      if (each === receipt) break;
    }
    if (position === 0) return;
    this.#server.onAck(position);
    this.#server.moveCursor(this.#key, position);
    this.#unacknowledged = this.#unacknowledged.filter((each) => each.position > position);
  }

  #reply(requestId: number, result: Result): void {
    this.#send({ $case: "reply", value: { requestId, result } });
  }

  #send(kind: NonNullable<Item["kind"]>): void {
    this.#items.push({ kind });
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      const frame = { items: this.#items, through: this.#through, receipt: ++this.#lastReceipt };
      this.#sentFrames.set(frame.receipt, frame.through);
      this.#items = [];
      this.#through = 0;
      const bytes = ServerFrame.encode(frame).finish();
      this.#downstream.send(() => {
        this.#toClient.push(decodeFrame(bytes));
        this.#wakeClient.resolve();
      });
    });
  }
}
