import {
  type ChatClient,
  type ClientEvent,
  type ClientState,
  restoredNote,
  type SendOptions,
} from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import { conversationAddress, directConversation, type Message } from "../../core/messages/message.ts";
import { isRoomId } from "../../core/rooms/room.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import type { Credentials } from "../../gen/chatd/v1/auth.ts";
import { type Conversation, Role } from "../../gen/chatd/v1/chat.ts";
import type { HelloResponse } from "../../gen/chatd/v1/session.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import type { CommandContext, Current } from "../commands/command.ts";
import { completeCommand, runCommand } from "../commands/command_table.ts";
import { ConversationNames } from "./conversation_names.ts";
import type { Face } from "../line/line_console.ts";
import { ReadMarks } from "./read_marks.ts";
import { SendingNews } from "./sending_news.ts";
import type { Style } from "../text/style.ts";
import { Transcript } from "../text/transcript.ts";
import { Transfers } from "./transfers.ts";
import { TypingSigns } from "./typing_signs.ts";

export interface TerminalChatOptions {
  /** Closed by `run`. */
  face: (options: { complete(before: string): string[]; onEdit(draft: string): void }) => Face;
  style: Style;
  user: string;
  /** Where the server is, for people. */
  address: string;
  /** Whom to write to first; else whoever something was said with last, else `lastRecipient`. */
  to?: string;
  lastRecipient?: string;
  /** Makes the client; `run` runs it. */
  client(onEvent: (event: ClientEvent) => void | Promise<void>): ChatClient;
  /** A new token of this device. */
  keepCredentials(credentials: Credentials): Promise<void>;
  /** The token of this device is dead by the person's wish. */
  loggedOut(): Promise<void>;
  signal?: AbortSignal;
}

/** How many messages are shown at the start, and at `/to`. */
const recent = 20;
const maxPendingLines = 5;

/** A person's chat: what comes is shown, what is typed is sent or done. */
export class TerminalChat {
  readonly #options: TerminalChatOptions;
  readonly #face: Face;
  readonly #client: ChatClient;
  readonly #transcript: Transcript;
  readonly #stop = new AbortController();
  readonly #unsent = new Set<{ to: string; text: string }>();
  readonly #online = new Map<string, boolean>();
  readonly #names: ConversationNames;
  readonly #transfers: Transfers;
  readonly #typing: TypingSigns;
  readonly #readMarks: ReadMarks;
  readonly #learning = new Map<string, Promise<void>>();
  #current: Current | undefined;
  /** Messages that came before the recent ones of the conversation were shown; undefined since. */
  #early: Message[] | undefined = [];
  #wasOnline = false;
  /** Resolves when it is known whom the person writes to. */
  readonly #ready = Promise.withResolvers<void>();
  /** By a command: that the session ends is no failure. */
  #leaving = false;
  #missedUpTo = 0;
  /** What was said last about why there is no connection. */
  #disconnected: string | undefined;
  readonly #news = new SendingNews({ note: (text) => this.#note(text), warn: (text) => this.#warn(text) });
  #ticking: ReturnType<typeof setInterval> | undefined;
  #failure: ChatError | undefined;

  constructor(options: TerminalChatOptions) {
    this.#options = options;
    this.#names = new ConversationNames(options.user);
    this.#transcript = new Transcript({ me: options.user, names: this.#names, style: options.style });
    this.#face = options.face({
      complete: (before) => completeCommand(before, this.#names.completions),
      onEdit: (draft) => this.#current && this.#typing.edited(draft, this.#current.address),
    });
    this.#transfers = new Transfers({
      signal: this.#stop.signal,
      changed: () => this.#showPending(),
      done: (text) => this.#note(text),
      failed: (text) => this.#warn(text),
    });
    const { user, to } = options;
    // A room's name has to be asked; a person's is all that is needed to write to them.
    if (to !== undefined && !/^[#+]/.test(to)) {
      this.#current = { address: to, conversation: directConversation(user, to) };
    }
    this.#client = options.client((event) => this.#onEvent(event));
    this.#typing = new TypingSigns(this.#client);
    this.#readMarks = new ReadMarks(this.#client);
  }

  /** Lives until the person leaves or the client ends. @returns why the client ended, when that was not asked for. */
  async run(): Promise<ChatError | undefined> {
    const stop = () => this.#stop.abort();
    this.#options.signal?.addEventListener("abort", stop);
    if (this.#options.signal?.aborted) stop();
    try {
      const running = this.#client.run({ signal: this.#stop.signal }).finally(() => {
        this.#ready.resolve();
        return this.#face.close();
      });
      for await (const text of this.#face.submissions) await this.#submit(text);
      this.#stop.abort();
      const error = await running ?? this.#failure;
      await this.#transfers.ended();
      return this.#leaving ? undefined : error;
    } finally {
      clearInterval(this.#ticking);
      this.#readMarks.close();
      this.#options.signal?.removeEventListener("abort", stop);
      await this.#face.close();
    }
  }

  /** The address that the person writes to. */
  get recipient(): string | undefined {
    return this.#current?.address;
  }

  async #onEvent(event: ClientEvent): Promise<void> {
    if (event.kind === "message") await this.#received(event.message);
    else if (event.kind === "accepted") await this.#face.print(this.#lines(event.message));
    else if (event.kind === "state_changed") this.#stateOf(event.conversation);
    else if (event.kind === "typing" && this.#typing.heard(event)) this.#showPrompt();
    else if (event.kind === "state") this.#stateChanged(event.state);
    else if (event.kind === "presence") this.#presence(event.user, event.state !== "offline");
    else if (event.kind === "postponed") this.#news.postponed(event.reason);
    else if (event.kind === "delivery_changed") this.#news.deliveryChanged(event.change);
  }

  async #received(message: Message): Promise<void> {
    if (this.#early) this.#early.push(message);
    else await this.#show(message);
  }

  async #show(message: Message): Promise<void> {
    this.#names.learn(message);
    // What comes next in this room waits for its name too, and so stays behind it. Nothing else may wait: the answer comes the same way.
    if (this.#names.knows(message.conversation)) await this.#showNamed(message);
    else void this.#learnRoom(message.conversation).then(() => this.#showNamed(message));
  }

  async #showNamed(message: Message): Promise<void> {
    // `/create` and `/join` show it.
    const { kind } = message.event ?? {};
    if (message.sender === this.#options.user && (kind === "room_created" || kind === "joined")) return;
    if (this.#current?.conversation === message.conversation) {
      this.#readMarks.shown(this.#current.address, message.seq);
      this.#showPrompt();
    }
    const missed = message.position <= this.#missedUpTo;
    const divider = missed ? this.#transcript.note("--- missed while you were away ---") : [];
    // Once is enough, before the first of them.
    if (missed) this.#missedUpTo = 0;
    await this.#face.print([...divider, ...this.#lines(message)]);
  }

  #lines(message: Message): string[] {
    return this.#transcript.message(message, this.#current?.conversation);
  }

  #stateChanged(state: ClientState): void {
    clearInterval(this.#ticking);
    if (state.kind === "online") this.#cameOnline(state.hello, state.restored);
    if (state.kind === "offline") this.#wentOffline(state.reason);
    this.#showPrompt();
  }

  #cameOnline(hello: HelloResponse, restored: boolean): void {
    if (!this.#wasOnline) {
      this.#wasOnline = true;
      this.#missedUpTo = hello.head > hello.cursor ? hello.head : 0;
      void this.#begin(hello);
    } else this.#note("Connected again.");
    this.#disconnected = undefined;
    if (restored) this.#note(restoredNote);
  }

  #wentOffline(reason: ChatError): void {
    if (!this.#wasOnline) {
      this.#failure = reason;
      this.#stop.abort();
      return;
    }
    if (this.#disconnected !== reason.message) this.#warn(`Disconnected: ${reason.message}`);
    this.#disconnected = reason.message;
    this.#ticking = setInterval(() => this.#showPrompt(), 1000);
  }

  async #begin(hello: HelloResponse): Promise<void> {
    const server = hello.server === "" ? "" : ` (${hello.server})`;
    this.#note(`Connected to ${this.#options.address}${server} as ${hello.user}. /help lists the commands.`);
    try {
      const { conversations } = await this.#client.listConversations({ limit: 50 });
      for (const conversation of conversations) this.#learnConversation(conversation);
      const first = conversations.find(({ role }) =>
        role !== Role.INVITED && role !== Role.LEFT && role !== Role.BANNED
      );
      const to = this.#options.to ?? first?.address ?? this.#options.lastRecipient;
      if (to === undefined) {
        this.#note("/to NAME chooses whom to write to, /users and /rooms list everybody and everything.");
      } // What is newer than the cursor is delivered.
      else await this.#writeTo(to, (message) => message.position <= hello.cursor);
      this.#tellUnread(conversations);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (error.code === "not_found") this.#current = undefined;
      this.#warn(error.message);
    }
    this.#ready.resolve();
    this.#showPrompt();
    const early = this.#early ?? [];
    for (let message = early.shift(); message; message = early.shift()) await this.#show(message);
    this.#early = undefined;
  }

  /** @throws {ChatError} when nothing can be written there */
  async #writeTo(typed: string, isWanted: (message: Message) => boolean = () => true): Promise<void> {
    const address = this.#names.address(typed);
    const conversation = await this.#resolve(address);
    const label = this.#names.label(conversation);
    const { messages, more } = await this.#client.history({ with: address, limit: recent, events: true });
    this.#current = { address: conversationAddress(conversation, this.#options.user), conversation };
    const wanted = messages.flatMap((message) => fromWireMessage(message) ?? []);
    for (const message of wanted) this.#names.learn(message);
    if (more) this.#note(`The last messages with ${label}; /history ${label} 200 shows more.`);
    else if (messages.length === 0) this.#note(`Nothing was said between you and ${label} yet.`);
    await this.#face.print(wanted.filter(isWanted).flatMap((message) => this.#lines(message)));
    const newest = wanted.filter(isWanted).at(-1);
    if (newest !== undefined) this.#readMarks.shown(this.#current.address, newest.seq);
    this.#showPrompt();
  }

  /** The conversation that an address means; learns its name when it is a room. */
  async #resolve(address: string): Promise<string> {
    if (!/^[#+]/.test(address)) return directConversation(this.#options.user, address);
    const found = await this.#client.conversation(address);
    this.#learnConversation(found);
    return found.conversation;
  }

  #learnConversation({ address, room, role, invitedBy }: Conversation): void {
    if (room === undefined) return this.#names.addPerson(address);
    this.#names.addRoom(room);
    if (role !== Role.INVITED) return;
    this.#note(`${invitedBy} invites you to the room #${room.name}: /join ${room.id}, or /leave ${room.id} to decline`);
  }

  #learnRoom(conversation: string): Promise<void> {
    const learning = this.#learning.get(conversation) ?? this.#askRoom(conversation);
    this.#learning.set(conversation, learning);
    return learning.finally(() => this.#learning.delete(conversation));
  }

  async #askRoom(conversation: string): Promise<void> {
    try {
      this.#learnConversation(await this.#client.conversation(conversation));
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
    }
  }

  #stateOf(conversation: string | undefined): void {
    if (conversation !== undefined && isRoomId(conversation)) void this.#learnRoom(conversation);
  }

  #tellUnread(conversations: readonly Conversation[]): void {
    const unread = conversations.filter(({ unread, conversation }) =>
      unread > 0 && conversation !== this.#current?.conversation
    );
    if (unread.length === 0) return;
    const each = unread.map(({ conversation, unread, mentions }) =>
      `${this.#names.label(conversation)} ${unread}${mentions > 0 ? ` (${mentions} for you)` : ""}`
    );
    this.#note(`Unread: ${each.join(", ")}`);
  }

  #presence(user: string, online: boolean): void {
    this.#names.addPerson(user);
    if ((this.#online.get(user) ?? false) === online) return;
    this.#online.set(user, online);
    if (user !== this.#options.user) this.#note(`${user} is ${online ? "online" : "offline"}.`);
  }

  async #submit(text: string): Promise<void> {
    if (this.#stop.signal.aborted) return;
    if (text === "") return this.#client.retryNow();
    if (!text.startsWith("/") || text.startsWith("//")) {
      if (this.#current === undefined) await this.#ready.promise;
      return this.#send(text.replace(/^\/\//, "/"), text);
    }
    try {
      await runCommand(text, this.#context);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (!this.#stop.signal.aborted) this.#warn(error.message);
    }
  }

  #send(text: string, typed: string, options: SendOptions = {}): void {
    const to = this.#current?.address;
    if (to === undefined) {
      this.#giveBack(typed, "Whom is it for? /to NAME chooses that.");
      return;
    }
    this.#typing.sent();
    const unsent = { to: this.#names.label(this.#current!.conversation), text };
    this.#unsent.add(unsent);
    this.#showPending();
    this.#client.send(to, text, options).then(() => this.#news.accepted()).catch((error) => {
      const reason = error instanceof ChatError ? error.message : String(error);
      this.#giveBack(typed, `Not sent to ${unsent.to}: ${reason}`);
    }).finally(() => {
      this.#unsent.delete(unsent);
      this.#showPending();
    });
  }

  #giveBack(text: string, why: string): void {
    const restored = !this.#stop.signal.aborted && this.#face.restoreDraft(text);
    this.#warn(why);
    if (!restored) this.#note(`It was: ${text}`);
  }

  #showPending(): void {
    const all = [...this.#unsent];
    const lines = all.slice(0, maxPendingLines).map(({ to, text }) => `  sending to ${to}: ${sanitizeLine(text)}`);
    if (all.length > maxPendingLines) lines.push(`  and ${all.length - maxPendingLines} more`);
    this.#face.setPending([...lines, ...this.#transfers.lines]);
  }

  #showPrompt(): void {
    const { user } = this.#options;
    const state = this.#client.state;
    const who = this.#current === undefined ? user : `${user} → ${this.#names.label(this.#current.conversation)}`;
    let condition = "";
    const writing = this.#current === undefined ? "" : this.#typing.describe(this.#current.conversation);
    if (state.kind === "online" && writing !== "") condition = ` | ${writing}`;
    if (state.kind === "connecting") condition = " | connecting";
    if (state.kind === "offline") {
      const seconds = Math.max(0, Math.ceil((state.retryAt - Date.now()) / 1000));
      condition = ` | offline, next try in ${seconds} s, Enter tries now`;
    }
    this.#face.setPrompt(`[${who}${condition}] `);
  }

  #note(text: string): void {
    void this.#face.print(this.#transcript.note(text));
  }

  #warn(text: string): void {
    void this.#face.print(this.#transcript.warning(text));
  }

  get #context(): CommandContext {
    const { user, keepCredentials, loggedOut } = this.#options;
    return {
      client: this.#client,
      me: user,
      current: this.#current,
      names: this.#names,
      print: (lines) => this.#face.print(lines),
      show: async (messages) => {
        for (const message of messages) this.#names.learn(message);
        await this.#face.print(messages.flatMap((message) => this.#lines(message)));
      },
      writeTo: (typed) => this.#writeTo(typed),
      send: (text, typed, options) => this.#send(text, typed, options),
      transfer: (what, work) => this.#transfers.start(what, work),
      stopWriting: () => {
        this.#current = undefined;
        this.#showPrompt();
      },
      askSecret: (question) => this.#face.askSecret(question),
      keepCredentials,
      loggedOut,
      leave: () => {
        this.#leaving = true;
        this.#stop.abort();
      },
    };
  }
}
