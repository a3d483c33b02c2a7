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
import type { HelloResponse } from "../../gen/chatd/v1/session.ts";
import type { CommandContext, Current } from "../commands/command.ts";
import { runCommand } from "../commands/command_table.ts";
import { ConversationNames } from "../chat/conversation_names.ts";
import { KeyDecoder, type ScreenKey } from "../input/key_decoder.ts";
import { ReadMarks } from "../chat/read_marks.ts";
import { ReceiptMarks } from "../chat/receipt_marks.ts";
import { SendingNews } from "../chat/sending_news.ts";
import type { TerminalChatOptions } from "../chat/terminal_chat.ts";
import type { TerminalDevice } from "../input/terminal_device.ts";
import { Transcript } from "../text/transcript.ts";
import { Transfers } from "../chat/transfers.ts";
import { TypingSigns } from "../chat/typing_signs.ts";
import { Alerts } from "../chat/alerts.ts";
import { ChatView } from "./chat_view.ts";
import { complete } from "../commands/completion.ts";
import { ConversationList, type Listed } from "../chat/conversation_list.ts";
import { ConversationRefresh } from "../chat/conversation_refresh.ts";
import { FocusSwitch } from "./focus_switch.ts";
import { FrameScreen } from "./frame_screen.ts";
import type { Palette } from "./palette.ts";
import { ScreenInput } from "./screen_input.ts";
import { ScreenPreferences, type ScreenStore } from "../chat/preferences.ts";
import { Sending } from "../chat/sending.ts";
import { StatusBar } from "./status_bar.ts";

export interface FullScreenChatOptions extends Omit<TerminalChatOptions, "face" | "style"> {
  readonly device: TerminalDevice;
  readonly palette: Palette;
  readonly store: ScreenStore;
}

/** Somebody who typed so lately sees what comes in the conversation before them, in milliseconds. */
const presentMs = 30_000;

/** A person's chat on a whole terminal. */
export class FullScreenChat {
  readonly #options: FullScreenChatOptions;
  readonly #client: ChatClient;
  readonly #names: ConversationNames;
  readonly #list: ConversationList;
  readonly #refresh: ConversationRefresh;
  readonly #screen: FrameScreen;
  readonly #view: ChatView;
  readonly #input: ScreenInput;
  readonly #status: StatusBar;
  readonly #preferences: ScreenPreferences;
  readonly #alerts: Alerts;
  readonly #sending: Sending;
  readonly #transfers: Transfers;
  readonly #typing: TypingSigns;
  readonly #readMarks: ReadMarks;
  readonly #receipts: ReceiptMarks;
  readonly #transcript: Transcript;
  readonly #focus: FocusSwitch;
  readonly #online = new Set<string>();
  readonly #stop = new AbortController();
  /** What is said when the terminal is given back. */
  readonly #afterwards: string[] = [];
  #wasOnline = false;
  #leaving = false;
  #failure: ChatError | undefined;
  #disconnected: string | undefined;
  readonly #news = new SendingNews({ note: (text) => this.#note(text), warn: (text) => this.#warn(text) });
  #lastTyped = -Infinity;
  readonly #begun = Promise.withResolvers<void>();
  /** What was submitted, one after the other: what follows a /to is for whom it chose, and all follows the begin. */
  #work = this.#begun.promise;

  constructor(options: FullScreenChatOptions) {
    const { user: me, palette, device } = options;
    this.#options = options;
    this.#preferences = new ScreenPreferences(options.store);
    this.#names = new ConversationNames(me);
    this.#receipts = new ReceiptMarks({ me });
    this.#list = new ConversationList({ me, level: (conversation) => this.#preferences.level(conversation) });
    this.#transcript = new Transcript({ me, names: this.#names, style: palette });
    this.#screen = new FrameScreen({ device, compose: (size) => this.#view.draw(size) });
    const changed = () => this.#screen.invalidate();
    this.#input = new ScreenInput({
      complete: (before) => complete(before, this.#names.completions),
      onEdit: (draft) => this.#edited(draft),
      onSubmit: (text) => this.#submitted(text),
      onScreenKey: (key) => this.#screenKey(key),
      onRedraw: () => this.#screen.redraw(),
      onLeave: () => this.#stop.abort(),
    });
    this.#alerts = new Alerts({
      notify: () => this.#preferences.notify,
      emit: (sequence) => this.#screen.emit(sequence),
    });
    this.#transfers = new Transfers({
      signal: this.#stop.signal,
      changed,
      done: (text) => this.#note(text),
      failed: (text) => this.#warn(text),
    });
    this.#client = options.client((event) => this.#onEvent(event));
    this.#sending = new Sending({
      client: this.#client,
      changed,
      accepted: () => this.#news.accepted(),
      refused: (unsent, reason) => this.#refused(unsent, reason),
    });
    this.#typing = new TypingSigns(this.#client);
    this.#readMarks = new ReadMarks(this.#client);
    this.#status = new StatusBar({ client: this.#client, me, changed });
    this.#refresh = new ConversationRefresh({
      client: this.#client,
      me,
      learn: (conversation) => {
        if (conversation.room) this.#names.addRoom(conversation.room);
        else this.#names.addPerson(conversation.address);
        this.#receipts.learn(conversation);
        this.#list.learn(conversation);
        changed();
      },
      gone: (conversation) => {
        this.#list.remove(conversation);
        this.#focus.forget(conversation);
      },
    });
    this.#focus = new FocusSwitch({
      client: this.#client,
      me,
      palette,
      receiptOf: (message) => this.#receipts.of(message),
      onLoaded: (messages) => {
        for (const message of messages) this.#names.learn(message);
        changed();
      },
    });
    this.#view = new ChatView({
      palette,
      names: this.#names,
      list: this.#list,
      focus: this.#focus,
      input: this.#input,
      sending: this.#sending,
      transfers: this.#transfers,
      typing: this.#typing,
      status: this.#status,
      readMarks: this.#readMarks,
      online: this.#online,
    });
  }

  /** The address that the person writes to. */
  get recipient(): string | undefined {
    return this.#current?.address;
  }

  get #current(): Current | undefined {
    return this.#focus.now.current;
  }

  /** Lives until the person leaves or the client ends. @returns why the client ended, when that was not asked for. */
  async run(): Promise<ChatError | undefined> {
    const { signal, device } = this.#options;
    const stop = () => this.#stop.abort();
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    try {
      await this.#screen.take();
      const running = this.#client.run({ signal: this.#stop.signal }).finally(stop);
      await this.#readKeys();
      stop();
      // Whatever still takes time, the terminal is the person's again.
      this.#input.close();
      this.#keepDraft();
      await this.#screen.release();
      const error = await running ?? this.#failure;
      await this.#transfers.ended();
      return this.#leaving ? undefined : error;
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#readMarks.close();
      this.#status.close();
      this.#refresh.close();
      this.#preferences.flush();
      await this.#screen.release();
      if (this.#afterwards.length > 0) await device.write(this.#afterwards.map((line) => `${line}\n`).join(""));
    }
  }

  async #readKeys(): Promise<void> {
    const decoder = new KeyDecoder();
    while (!this.#stop.signal.aborted) {
      const bytes = await this.#options.device.read(this.#stop.signal);
      if (bytes === undefined) return;
      this.#lastTyped = performance.now();
      for (const key of decoder.decode(bytes)) {
        this.#input.apply(key);
        if (this.#stop.signal.aborted) return;
      }
      this.#screen.invalidate();
    }
  }

  #onEvent(event: ClientEvent): void {
    if (event.kind === "message") this.#arrived(event.message);
    else if (event.kind === "accepted") this.#arrived(event.message);
    else if (event.kind === "state") this.#stateChanged(event.state);
    else if (event.kind === "state_changed" && event.conversation !== undefined) this.#refresh.one(event.conversation);
    else if (event.kind === "state_missed") this.#attempt(() => this.#refresh.all());
    else if (event.kind === "typing") this.#typing.heard(event);
    else if (event.kind === "receipt" || event.kind === "room_receipts") this.#receipts.heard(event);
    else if (event.kind === "presence") {
      this.#names.addPerson(event.user);
      if (event.state === "offline") this.#online.delete(event.user);
      else this.#online.add(event.user);
    } else if (event.kind === "postponed") this.#news.postponed(event.reason);
    else if (event.kind === "delivery_changed") this.#news.deliveryChanged(event.change);
    this.#screen.invalidate();
  }

  #arrived(message: Message): void {
    const { conversation } = message;
    this.#names.learn(message);
    if (!this.#names.knows(conversation)) this.#refresh.one(conversation);
    const weight = this.#list.arrived(message);
    this.#focus.arrived(message);
    const isHere = this.#current?.conversation === conversation;
    if (weight !== "direct" && weight !== "mention") return;
    if (isHere && this.#focus.now.pane.follows && performance.now() - this.#lastTyped < presentMs) return;
    const where = isRoomId(conversation) ? ` in ${this.#names.label(conversation)}` : "";
    this.#alerts.ring(`${message.sender}${where}`, message.text);
  }

  #stateChanged(state: ClientState): void {
    this.#status.stateChanged(state);
    if (state.kind === "online") this.#cameOnline(state.hello, state.restored);
    if (state.kind === "offline") this.#wentOffline(state.reason);
  }

  #cameOnline(hello: HelloResponse, restored: boolean): void {
    if (restored) {
      this.#receipts.forget();
      this.#focus.forget();
    }
    if (!this.#wasOnline) {
      this.#wasOnline = true;
      const server = hello.server === "" ? "" : ` (${hello.server})`;
      this.#note(`Connected to ${this.#options.address}${server} as ${hello.user}. /help lists commands and keys.`);
      if (restored) this.#note(restoredNote);
      this.#attempt(() => this.#begin().finally(this.#begun.resolve));
    } else {
      this.#note("Connected again.");
      // The note comes last: a conversation that is loaded anew begins without the notes of before.
      this.#attempt(() => this.#showAgain(restored).finally(() => restored && this.#note(restoredNote)));
    }
    this.#disconnected = undefined;
  }

  async #showAgain(restored: boolean): Promise<void> {
    await this.#refresh.all();
    if (restored && this.#current) await this.#turnTo(this.#current);
    else await this.#focus.now.loadNewest();
  }

  #wentOffline(reason: ChatError): void {
    if (!this.#wasOnline) {
      this.#failure = reason;
      this.#stop.abort();
      return;
    }
    this.#online.clear();
    if (this.#disconnected !== reason.message) this.#warn(`Disconnected: ${reason.message}`);
    this.#disconnected = reason.message;
  }

  async #begin(): Promise<void> {
    await this.#refresh.all();
    const { to, lastRecipient } = this.#options;
    const first = this.#list.all.find(({ invitedBy }) => invitedBy === undefined);
    const address = to ?? first?.address ?? lastRecipient;
    if (address === undefined) {
      this.#note("/to NAME chooses whom to write to, /users and /rooms list everybody and everything.");
    } else await this.#writeTo(address);
  }

  /** @throws {ChatError} when nothing can be written there */
  async #writeTo(typed: string): Promise<void> {
    const address = this.#names.address(typed);
    let conversation = directConversation(this.#options.user, address);
    if (/^[#+]/.test(address)) {
      const found = await this.#client.conversation(address);
      if (found.room) this.#names.addRoom(found.room);
      conversation = found.conversation;
      this.#list.learn(found);
    }
    await this.#turnTo({ conversation, address: conversationAddress(conversation, this.#options.user) });
  }

  /** Shows a conversation, and its draft. What could not be shown is not turned to. @throws {ChatError} */
  async #turnTo(current: Current): Promise<void> {
    const before = this.#list.get(current.conversation);
    const unreadAfter = before !== undefined && before.unread > 0 ? before.readSeq : undefined;
    const focus = await this.#focus.load(current, unreadAfter);
    if (focus === undefined) return;
    this.#keepDraft();
    if (focus.window.items.length === 0) {
      const label = this.#names.label(current.conversation);
      focus.window.note({ lines: this.#transcript.note(`Nothing was said between you and ${label} yet.`) });
    }
    // What was said while nobody was there stays to be read.
    if (this.#current === undefined) {
      for (const { note } of this.#focus.now.window.items) if (note) focus.window.note(note);
    }
    this.#list.open(current.conversation);
    this.#focus.show(focus);
    this.#input.setDraft(this.#preferences.draft(current.conversation));
    this.#screen.invalidate();
  }

  #screenKey(key: ScreenKey): void {
    const pane = this.#view.pane(this.#options.device.size());
    const page = Math.max(1, pane.rows - 2);
    if (key === "page-up") this.#attempt(() => this.#focus.now.scroll(page, pane));
    else if (key === "page-down") this.#attempt(() => this.#focus.now.scroll(-page, pane));
    else if (key === "oldest") this.#attempt(() => this.#focus.now.scroll(Number.MAX_SAFE_INTEGER, pane));
    else if (key === "newest") this.#attempt(() => this.#focus.now.toNewest());
    else if (key === "next-unread") this.#choose(this.#list.nextUnread(this.#current?.conversation));
    else if (key === "suspend") void this.#suspend();
    else if (key.startsWith("conversation-")) {
      this.#choose(this.#list.all[Number(key.slice("conversation-".length)) - 1]);
    }
  }

  #choose(chosen: Listed | undefined): void {
    if (chosen === undefined || chosen.conversation === this.#current?.conversation) return;
    const { conversation, address, invitedBy } = chosen;
    if (invitedBy !== undefined) {
      return this.#note(
        `${invitedBy} invites you to ${
          this.#names.label(conversation)
        }: /join ${address}, or /leave ${address} to decline`,
      );
    }
    this.#attempt(() => this.#turnTo({ conversation, address }));
  }

  async #suspend(): Promise<void> {
    const { suspend } = this.#options.device;
    if (suspend === undefined) return;
    await this.#screen.release();
    const did = await suspend();
    if (this.#stop.signal.aborted) return;
    await this.#screen.take();
    this.#client.retryNow();
    if (!did) this.#warn("Ctrl-Z needs Deno's permission --allow-run=kill, to stop the other programs of the job too.");
  }

  #edited(draft: string): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#typing.edited(draft, current.address);
    this.#preferences.setDraft(current.conversation, draft);
  }

  #keepDraft(): void {
    const current = this.#current;
    if (current !== undefined) this.#preferences.setDraft(current.conversation, this.#input.draft);
  }

  #submitted(text: string): void {
    this.#keepDraft();
    if (text === "") {
      this.#client.retryNow();
      if (!this.#focus.now.pane.follows) this.#attempt(() => this.#focus.now.toNewest());
      return;
    }
    this.#work = this.#work.then(() =>
      text.startsWith("/") && !text.startsWith("//")
        ? this.#trying(() => runCommand(text, this.#context))
        : this.#send(text.replace(/^\/\//, "/"), text)
    );
  }

  #send(text: string, typed: string, options: SendOptions = {}): void {
    const current = this.#current;
    if (current === undefined) return this.#giveBack(typed, "Whom is it for? /to NAME chooses that.");
    this.#typing.sent();
    this.#attempt(() => this.#focus.now.toNewest());
    this.#sending.start(current.address, { to: this.#names.label(current.conversation), text, typed }, options);
  }

  #refused({ to, text, typed }: { to: string; text: string; typed: string }, reason: string): void {
    const why = `Not sent to ${to}: ${reason}`;
    if (!this.#stop.signal.aborted) return this.#giveBack(typed, why);
    this.#afterwards.push(...this.#transcript.warning(why), ...this.#transcript.note(`It was: ${text}`));
  }

  #giveBack(text: string, why: string): void {
    const isFree = this.#input.draft === "";
    if (isFree) this.#input.setDraft(text);
    this.#warn(why);
    if (!isFree) this.#note(`It was: ${text}`);
  }

  #note(text: string): void {
    this.#print(this.#transcript.note(text));
  }

  #warn(text: string): void {
    this.#print(this.#transcript.warning(text));
  }

  #print(lines: readonly string[]): void {
    if (this.#stop.signal.aborted) this.#afterwards.push(...lines);
    else this.#focus.now.window.note({ lines });
    this.#screen.invalidate();
  }

  /** What goes wrong is said. */
  #attempt(act: () => Promise<void>): void {
    void this.#trying(act);
  }

  async #trying(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (!this.#stop.signal.aborted) this.#warn(error.message);
    }
    this.#screen.invalidate();
  }

  get #context(): CommandContext {
    const { user, keepCredentials, loggedOut } = this.#options;
    return {
      client: this.#client,
      me: user,
      current: this.#current,
      names: this.#names,
      screen: this.#preferences,
      print: (lines) => Promise.resolve(this.#print(lines)),
      show: (messages) => {
        for (const message of messages) this.#names.learn(message);
        this.#print(
          messages.flatMap((message) => this.#transcript.message(message, this.#current?.conversation)),
        );
        return Promise.resolve();
      },
      writeTo: (typed) => this.#writeTo(typed),
      send: (text, typed, options) => this.#send(text, typed, options),
      transfer: (what, work) => this.#transfers.start(what, work),
      stopWriting: () => {
        this.#keepDraft();
        this.#focus.leave();
      },
      askSecret: async (question) => {
        const answer = this.#input.askSecret(question);
        this.#screen.invalidate();
        return await answer;
      },
      keepCredentials,
      loggedOut,
      leave: () => {
        this.#leaving = true;
        this.#stop.abort();
      },
    };
  }
}
