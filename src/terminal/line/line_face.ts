import type { Message } from "../../core/messages/message.ts";
import type { ChatFace, FaceContext, LoadOptions } from "../chat/chat_face.ts";
import type { ConversationRef } from "../chat/conversation_ref.ts";
import { complete } from "../commands/completion.ts";
import { editingKeys, type KeyHelp } from "../input/key_help.ts";
import type { TerminalDevice } from "../input/terminal_device.ts";
import type { Style } from "../text/style.ts";
import { Transcript } from "../text/transcript.ts";
import { DumbConsole } from "./dumb_console.ts";
import { EditingConsole } from "./editing_console.ts";
import type { LineConsole } from "./line_console.ts";
import { promptText, unreadText } from "./line_texts.ts";
import { loadRecent, PrintedPage, type RecentPage } from "./printed_page.ts";

export interface LineFaceOptions {
  readonly device: TerminalDevice;
  readonly style: Style;
  /** Whether the terminal can only write lines (TERM=dumb). */
  readonly isDumb?: boolean;
}

/** The face of line mode: prints everything below the lines before. */
export class LineFace implements ChatFace {
  readonly keys: readonly KeyHelp[];
  readonly #context: FaceContext;
  readonly #console: LineConsole;
  readonly #transcript: Transcript;
  #prompt = "";
  #pending = "";
  #countdown: ReturnType<typeof setInterval> | undefined;
  readonly #page = new PrintedPage();
  #toldMissed = false;

  constructor(context: FaceContext, { device, style, isDumb = false }: LineFaceOptions) {
    const { state, person } = context;
    const events = {
      onSubmit: (text: string) => person.submit(text),
      onEdit: (draft: string) => person.edited(draft),
      onInput: () => person.noticed(),
      onFocus: (isFocused: boolean) => person.focusReported(isFocused),
    };
    this.#context = context;
    this.keys = isDumb ? [] : editingKeys;
    this.#console = isDumb ? new DumbConsole(device, events) : new EditingConsole({
      device,
      style,
      complete: (before) => complete(before, state.names.completions),
      ...events,
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

  update(): void {
    const { state } = this.#context;
    clearInterval(this.#countdown);
    if (state.client.state.kind === "offline") this.#countdown = setInterval(() => this.#showPrompt(), 1_000);
    this.#showPrompt();
    const pending = state.pending.join("\n");
    if (pending === this.#pending) return;
    this.#pending = pending;
    this.#console.setPending(state.pending);
  }

  async showMessage(message: Message, { missed }: { missed: boolean }): Promise<void> {
    const { state: { current }, person } = this.#context;
    if (!this.#wasPrinted(message)) {
      const divider = missed && !this.#toldMissed ? this.#transcript.note("--- missed while you were away ---") : [];
      if (missed) this.#toldMissed = true;
      await this.#console.print([...divider, ...this.#lines(message)]);
    }
    if (current?.conversation === message.conversation) person.shown(current, message.seq);
  }

  showFound(messages: readonly Message[]): Promise<void> {
    return this.print(messages.flatMap((message) => this.#lines(message)));
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

  async load(place: ConversationRef, { deliveredAfter = Infinity }: LoadOptions): Promise<() => void> {
    const page = await loadRecent(this.#context.state, place);
    return () => this.#showPage(page, page.messages.filter(({ position }) => position <= deliveredAfter));
  }

  open(): void {}

  leaveConversation(): void {}

  toNewest(): void {}

  async catchUp(): Promise<void> {}

  forget(): void {
    this.#page.clear();
  }

  isWatching(conversation: string): boolean {
    return this.#context.state.attention.isPresent && this.#context.state.current?.conversation === conversation;
  }

  emit(sequence: string): void {
    this.#console.emit(sequence);
  }

  restoreDraft(text: string, place: ConversationRef | undefined): boolean {
    return this.#context.state.current?.conversation === place?.conversation && this.#console.restoreDraft(text);
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
    void this.print(shown.flatMap((message) => this.#lines(message)));
    const newest = shown.at(-1);
    if (newest !== undefined) person.shown(place, newest.seq);
  }

  #wasPrinted(message: Message): boolean {
    const { sender, event } = message;
    // `/create` and `/join` turn to the room, and so print these events.
    const isOwnEntry = event?.kind === "room_created" || event?.kind === "joined";
    return (isOwnEntry && sender === this.#context.state.me) || this.#page.has(message);
  }

  #lines(message: Message): string[] {
    return this.#transcript.message(message, this.#context.state.current?.conversation);
  }

  #showPrompt(): void {
    const prompt = promptText(this.#context.state);
    if (prompt === this.#prompt) return;
    this.#prompt = prompt;
    this.#console.setPrompt(prompt);
  }
}
