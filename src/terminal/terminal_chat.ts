import type { ChatClient, ClientEvent, ClientState } from "../client/chat_client.ts";
import { ChatError } from "../core/chat_error.ts";
import { conversationAddress, type Message } from "../core/message.ts";
import type { Credentials } from "../gen/chatd/v1/auth.ts";
import { DeliveryMode, type HelloResponse } from "../gen/chatd/v1/session.ts";
import { type CommandContext, completeCommand, runCommand } from "./commands.ts";
import type { Face } from "./face.ts";
import { sanitizeLine } from "../core/sanitize.ts";
import { fromWireMessage } from "../wire/convert.ts";
import type { Style } from "./style.ts";
import { Transcript } from "./transcript.ts";

export interface TerminalChatOptions {
  /** Closed by `run`. */
  face: (complete: (before: string) => string[]) => Face;
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
  readonly #names = new Set<string>();
  #recipient: string | undefined;
  /** Messages that came before the recent ones of the conversation were shown; undefined since. */
  #early: Message[] | undefined = [];
  #wasOnline = false;
  /** By a command: that the session ends is no failure. */
  #leaving = false;
  #missedUpTo = 0;
  /** What was said last about why there is no connection. */
  #disconnected: string | undefined;
  #postponed: string | undefined;
  #delivery = DeliveryMode.STREAM;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #failure: ChatError | undefined;

  constructor(options: TerminalChatOptions) {
    this.#options = options;
    this.#transcript = new Transcript({ me: options.user, style: options.style });
    this.#recipient = options.to;
    this.#face = options.face((before) => completeCommand(before, this.#names));
    this.#client = options.client((event) => this.#onEvent(event));
  }

  /** Lives until the person leaves or the client ends. @returns why the client ended, when that was not asked for. */
  async run(): Promise<ChatError | undefined> {
    const stop = () => this.#stop.abort();
    this.#options.signal?.addEventListener("abort", stop);
    if (this.#options.signal?.aborted) stop();
    try {
      const running = this.#client.run({ signal: this.#stop.signal }).finally(() => this.#face.close());
      for await (const text of this.#face.submissions) await this.#submit(text);
      this.#stop.abort();
      const error = await running ?? this.#failure;
      return this.#leaving ? undefined : error;
    } finally {
      clearInterval(this.#ticking);
      this.#options.signal?.removeEventListener("abort", stop);
      await this.#face.close();
    }
  }

  get recipient(): string | undefined {
    return this.#recipient;
  }

  async #onEvent(event: ClientEvent): Promise<void> {
    if (event.kind === "message") await this.#received(event.message);
    else if (event.kind === "accepted") await this.#face.print(this.#lines(event.message));
    else if (event.kind === "state") this.#stateChanged(event.state);
    else if (event.kind === "presence") this.#presence(event.user, event.state !== "offline");
    else if (event.kind === "postponed") this.#postpone(event.reason);
    else if (event.kind === "delivery_changed") this.#deliveryChanged(event.change.mode, event.change.reason);
  }

  async #received(message: Message): Promise<void> {
    if (this.#early) this.#early.push(message);
    else await this.#show(message);
  }

  async #show(message: Message): Promise<void> {
    this.#names.add(conversationAddress(message.conversation, this.#options.user));
    const missed = message.position <= this.#missedUpTo;
    const divider = missed ? this.#transcript.note("--- missed while you were away ---") : [];
    // Once is enough, before the first of them.
    if (missed) this.#missedUpTo = 0;
    await this.#face.print([...divider, ...this.#lines(message)]);
  }

  #lines(message: Message): string[] {
    return this.#transcript.message(message, this.#recipient);
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
    if (restored) this.#note("The server's log was restored from a backup: what is newer than that is gone.");
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
      for (const { address } of conversations) this.#names.add(address);
      this.#recipient ??= conversations.at(0)?.address ?? this.#options.lastRecipient;
      if (this.#recipient === undefined) this.#note("/to NAME chooses whom to write to, /users lists everybody.");
      // What is newer than the cursor is delivered.
      else await this.#showRecent(this.#recipient, (message) => message.position <= hello.cursor);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (error.code === "not_found") this.#recipient = undefined;
      this.#warn(error.message);
    }
    this.#showPrompt();
    const early = this.#early ?? [];
    for (let message = early.shift(); message; message = early.shift()) await this.#show(message);
    this.#early = undefined;
  }

  async #showRecent(address: string, isWanted: (message: Message) => boolean = () => true): Promise<void> {
    const { messages, more } = await this.#client.history({ with: address, limit: recent });
    const wanted = messages.flatMap((message) => fromWireMessage(message) ?? []).filter(isWanted);
    if (more) this.#note(`The last messages with ${address}; /history ${address} 200 shows more.`);
    else if (messages.length === 0) this.#note(`Nothing was said between you and ${address} yet.`);
    await this.#face.print(wanted.flatMap((message) => this.#transcript.message(message, address)));
  }

  #presence(user: string, online: boolean): void {
    this.#names.add(user);
    if ((this.#online.get(user) ?? false) === online) return;
    this.#online.set(user, online);
    if (user !== this.#options.user) this.#note(`${user} is ${online ? "online" : "offline"}.`);
  }

  #postpone(reason: ChatError): void {
    if (this.#postponed === reason.code) return;
    this.#postponed = reason.code;
    this.#warn(`Not accepted yet, and tried again: ${reason.message}`);
  }

  #deliveryChanged(mode: DeliveryMode, reason: string): void {
    if (mode === this.#delivery && reason === "") return;
    this.#delivery = mode;
    const way = mode === DeliveryMode.CALLBACK ? "by calls from the server" : "over the own connection";
    this.#note(`Messages come ${way}${reason === "" ? "." : `: ${reason}`}`);
  }

  async #submit(text: string): Promise<void> {
    if (this.#stop.signal.aborted) return;
    if (text === "") return this.#client.retryNow();
    if (!text.startsWith("/") || text.startsWith("//")) return this.#send(text.replace(/^\/\//, "/"), text);
    try {
      await runCommand(text, this.#context);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (!this.#stop.signal.aborted) this.#warn(error.message);
    }
  }

  #send(text: string, typed: string): void {
    const to = this.#recipient;
    if (to === undefined) {
      this.#giveBack(typed, "Whom is it for? /to NAME chooses that.");
      return;
    }
    const unsent = { to, text };
    this.#unsent.add(unsent);
    this.#showPending();
    this.#client.send(to, text).then(() => this.#postponed = undefined).catch((error) => {
      const reason = error instanceof ChatError ? error.message : String(error);
      this.#giveBack(typed, `Not sent to ${to}: ${reason}`);
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
    this.#face.setPending(lines);
  }

  #showPrompt(): void {
    const { user } = this.#options;
    const state = this.#client.state;
    const who = this.#recipient === undefined ? user : `${user} → ${sanitizeLine(this.#recipient)}`;
    let condition = "";
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
    const { keepCredentials, loggedOut } = this.#options;
    return {
      client: this.#client,
      recipient: this.#recipient,
      print: (lines) => this.#face.print(lines),
      show: async (messages) => await this.#face.print(messages.flatMap((message) => this.#lines(message))),
      writeTo: async (name) => {
        await this.#showRecent(name);
        this.#names.add(name);
        this.#recipient = name;
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
