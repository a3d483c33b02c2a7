import type { Message } from "../../core/messages/message.ts";
import type { ChatFace, FaceContext, FoundOptions, LoadOptions } from "../chat/chat_face.ts";
import { chooseConversation, conversationKeys } from "../chat/conversations/conversation_keys.ts";
import type { ConversationRef } from "../chat/conversations/conversation_ref.ts";
import { resultName } from "../chat/conversations/found_messages.ts";
import type { LogPart } from "../chat/conversations/log_part.ts";
import type { LogTarget, ScrollPlace } from "../chat/conversations/log_target.ts";
import { editingKeys, type KeyHelp } from "../input/key_help.ts";
import type { TerminalDevice } from "../input/terminal_device.ts";
import type { Style } from "../text/style.ts";
import { type MessageLineOptions, Transcript } from "../text/transcript.ts";
import { DumbConsole } from "./dumb_console.ts";
import { EditingConsole } from "./editing_console.ts";
import type { LineConsole } from "./line_console.ts";
import { partTitle, pendingLines, promptText, unreadText } from "./line_texts.ts";
import { loadAround, loadRecent, PrintedPage, type RecentPage } from "./printed_page.ts";

export interface LineFaceOptions {
  readonly device: TerminalDevice;
  readonly style: Style;
  /** Whether the terminal can only write lines (TERM=dumb). */
  readonly isDumb?: boolean;
}

interface HeldMessage {
  readonly message: Message;
  readonly missed: boolean;
}

/** The face of line mode: prints everything below the lines before. */
export class LineFace implements ChatFace {
  readonly keys: readonly KeyHelp[];
  readonly #context: FaceContext;
  readonly #console: LineConsole;
  /** The terminal itself edits the input line. */
  readonly #isDumb: boolean;
  readonly #transcript: Transcript;
  #prompt = "";
  #pending = "";
  #countdown: ReturnType<typeof setInterval> | undefined;
  readonly #page = new PrintedPage();
  /** Messages of a conversation that wait until its page is printed. */
  #held: { readonly conversation: string; readonly messages: HeldMessage[] } | undefined;
  /** Pends while an entry waits for the message that it answers or pins, and later entries for that one. */
  #printing: Promise<void> | undefined;
  #toldMissed = false;
  /** The message that the person went to last. */
  #scrolledTo: ScrollPlace | undefined;
  /** The newest messages of the current conversation were not printed: the person went to a part before them. */
  #isBehind = false;

  constructor(context: FaceContext, { device, style, isDumb = false }: LineFaceOptions) {
    const { state, composers, person } = context;
    const onInput = () => person.noticed();
    this.#context = context;
    this.keys = isDumb ? [] : [...conversationKeys, ...editingKeys];
    this.#isDumb = isDumb;
    this.#console = isDumb
      ? new DumbConsole(device, { onSubmit: (text) => person.submit(text), onInput })
      : new EditingConsole({
        device,
        style,
        composers,
        person,
        onScreenKey: (key) => chooseConversation(key, context),
        onInput,
        onFocus: (isFocused) => person.focusReported(isFocused),
      });
    this.#transcript = new Transcript({
      me: state.me,
      names: state.names,
      style,
      details: state,
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#console.read(signal);
  }

  async close(): Promise<void> {
    clearInterval(this.#countdown);
    await this.#console.close();
  }

  get scrolledTo(): ScrollPlace | undefined {
    return this.#scrolledTo;
  }

  update(): void {
    const { state } = this.#context;
    clearInterval(this.#countdown);
    if (state.client.state.kind === "offline") this.#countdown = setInterval(() => this.#showPrompt(), 1_000);
    this.#showPrompt();
    const pending = pendingLines(state);
    if (pending.join("\n") === this.#pending) return;
    this.#pending = pending.join("\n");
    this.#console.setPending(pending);
  }

  async showMessage(message: Message, { missed }: { missed: boolean }): Promise<void> {
    // Not awaited: the page comes after this message.
    if (message.conversation === this.#held?.conversation) return void this.#held.messages.push({ message, missed });
    const isNext = this.#printing === undefined && !this.#context.state.replyTargets.lacks(message);
    if (isNext) await this.#printArrived({ message, missed });
    // Not awaited: the message that it answers or pins comes after this one.
    else {
      const printing = this.#printing = this.#printLater({ message, missed });
      void printing.then(() => {
        if (this.#printing === printing) this.#printing = undefined;
      });
    }
  }

  /** Prints an entry after those before it, once the message that it answers or pins is loaded. */
  async #printLater(held: HeldMessage): Promise<void> {
    await this.#printing;
    await this.#context.state.replyTargets.load(held.message);
    await this.#printArrived(held);
  }

  async #printArrived({ message, missed }: HeldMessage): Promise<void> {
    if (!this.#wasPrinted(message)) {
      const divider = missed && !this.#toldMissed ? this.#transcript.note("--- missed while you were away ---") : [];
      if (missed) this.#toldMissed = true;
      await this.#console.print([...divider, ...this.#lines(message)]);
    }
    const { state: { current }, person } = this.#context;
    // Between the part that was printed and this message, there may be unread ones.
    if (current?.conversation === message.conversation && !this.#isBehind) person.shown(current, message.seq);
  }

  showFound(messages: readonly Message[], { isNumbered }: FoundOptions): Promise<void> {
    return this.print(
      messages.flatMap((message, i) => this.#lines(message, isNumbered ? { mark: resultName(i + 1) } : {})),
    );
  }

  print(lines: readonly string[]): Promise<void> {
    return this.#console.print(lines);
  }

  note(text: string): void {
    void this.print(this.#transcript.note(text));
  }

  warn(text: string): void {
    void this.print(this.#transcript.warning(text));
  }

  showPresence(user: string, isOnline: boolean): void {
    this.note(`${user} is ${isOnline ? "online" : "offline"}.`);
  }

  showUnread(): void {
    const text = unreadText(this.#context.state);
    if (text !== "") this.note(text);
  }

  open(place: ConversationRef): void {
    this.#release();
    this.#scrolledTo = undefined;
    this.#isBehind = false;
    this.#context.composers.opened(place);
    this.#console.draftChanged();
  }

  resolved(name: ConversationRef, room: ConversationRef): void {
    this.#context.composers.resolved(name, room);
    this.#console.draftChanged();
  }

  async load(place: ConversationRef, { deliveredAfter = Infinity, target }: LoadOptions): Promise<() => void> {
    const { state } = this.#context;
    const { conversation } = place;
    // A page that is on its way yet may be replaced by a part of the same log.
    const waiting = this.#held?.conversation === conversation ? this.#held.messages : [];
    const held = this.#held = { conversation, messages: [...waiting] };
    try {
      if (target !== undefined) {
        const part = await loadAround(state, { place, target });
        return () => this.#showPart(place, { part, target });
      }
      const page = await loadRecent(state, place);
      return () => this.#showPage(page, page.messages.filter(({ position }) => position <= deliveredAfter));
    } catch (error) {
      if (this.#held === held) this.#release();
      throw error;
    }
  }

  leaveConversation(): void {
    this.#release();
    this.#console.draftChanged();
  }

  toNewest(): void {
    const { state: { current }, person } = this.#context;
    this.#scrolledTo = undefined;
    if (!this.#isBehind || current === undefined) return;
    person.attempt(async () => {
      const show = await this.load(current, {});
      if (this.#isBehind && this.#context.state.current === current) show();
    });
  }

  async catchUp(): Promise<void> {}

  clear(): void {
    this.#console.clear();
  }

  forget(): void {
    this.#page.clear();
  }

  isWatching(conversation: string): boolean {
    return this.#context.state.attention.isPresent && this.#context.state.current?.conversation === conversation;
  }

  emit(sequence: string): void {
    this.#console.emit(sequence);
  }

  giveBack(text: string, place: ConversationRef | undefined): "draft" | "recall" | undefined {
    if (this.#isDumb) return undefined;
    const returned = this.#context.composers.giveBack(text, place);
    this.#console.draftChanged();
    return returned;
  }

  askSecret(question: string): Promise<string | undefined> {
    return this.#console.askSecret(question);
  }

  #showPage({ place, messages, more }: RecentPage, shown: readonly Message[]): void {
    const { state: { names }, person } = this.#context;
    const phrase = names.phrase(place.conversation);
    if (messages.length === 0) this.note(`No messages ${phrase} yet.`);
    else if (more) this.note(`The last messages ${phrase}. For more: /history 200`);
    this.#page.printed(place, shown);
    this.#scrolledTo = undefined;
    this.#isBehind = false;
    void this.print(shown.flatMap((message) => this.#lines(message)));
    const newest = shown.at(-1);
    if (newest !== undefined) person.shown(place, newest.seq);
    this.#release();
  }

  #showPart(place: ConversationRef, { part, target }: { part: LogPart; target: LogTarget }): void {
    const { state: { names }, person } = this.#context;
    const { messages, seq, moreAfter } = part;
    this.note(partTitle(names.phrase(place.conversation), { target, seq }));
    void this.print(messages.flatMap((message) => this.#lines(message, message.seq === seq ? { mark: "→" } : {})));
    this.#scrolledTo = { seq, sub: 0, hidden: 0 };
    this.#isBehind ||= moreAfter && !this.#page.isOf(place);
    const newest = messages.at(-1)!;
    if (this.#isBehind) this.note("There are later messages. Enter in an empty line shows the newest.");
    else if (moreAfter) this.note("There are later messages.");
    else person.shown(place, newest.seq);
    if (this.#held) {
      const waiting = this.#held.messages;
      waiting.splice(0, waiting.length, ...waiting.filter(({ message }) => message.seq > newest.seq));
    }
    this.#release();
  }

  /** Shows the messages that waited for a page, without those that it has. */
  #release(): void {
    const held = this.#held?.messages ?? [];
    this.#held = undefined;
    for (const { message, missed } of held) void this.showMessage(message, { missed });
  }

  #wasPrinted(message: Message): boolean {
    const { sender, event } = message;
    // `/create` and `/join` turn to the room, and so print these events.
    const isOwnEntry = event?.kind === "room_created" || event?.kind === "joined";
    return (isOwnEntry && sender === this.#context.state.me) || this.#page.has(message);
  }

  #lines(message: Message, options: MessageLineOptions = {}): string[] {
    return this.#transcript.message(message, this.#context.state.current?.conversation, options);
  }

  #showPrompt(): void {
    const prompt = promptText(this.#context.state);
    if (prompt === this.#prompt) return;
    this.#prompt = prompt;
    this.#console.setPrompt(prompt);
  }
}
