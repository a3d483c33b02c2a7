import type { Message } from "../../core/messages/message.ts";
import { Attention } from "../chat/attention.ts";
import type { ChatFace, FaceContext } from "../chat/chat_face.ts";
import type { ConversationRef } from "../chat/conversation_ref.ts";
import { complete } from "../commands/completion.ts";
import { editingKeys, type KeyHelp } from "../input/key_help.ts";
import type { TerminalDevice } from "../input/terminal_device.ts";
import { Transcript } from "../text/transcript.ts";
import { ChatView } from "./chat_view.ts";
import type { Focus } from "./focus.ts";
import { FocusSwitch } from "./focus_switch.ts";
import type { Palette } from "./palette.ts";
import { ScreenInput } from "./screen_input.ts";
import { ScreenKeys, screenKeys } from "./screen_keys.ts";
import { ScreenSession } from "./screen_session.ts";
import { StatusBar } from "./status_bar.ts";

export interface FullScreenFaceOptions {
  readonly device: TerminalDevice;
  readonly palette: Palette;
}

/** The face that takes the whole terminal: conversations, messages, a status bar and the input line. */
export class FullScreenFace implements ChatFace {
  readonly keys: readonly KeyHelp[] = [...screenKeys, ...editingKeys];
  readonly #context: FaceContext;
  readonly #device: TerminalDevice;
  readonly #session: ScreenSession;
  readonly #input: ScreenInput;
  readonly #focus: FocusSwitch;
  readonly #status: StatusBar;
  readonly #transcript: Transcript;
  readonly #attention = new Attention();
  /** Lines to print when the terminal is given back. */
  #afterwards: string[] = [];

  constructor(context: FaceContext, { device, palette }: FullScreenFaceOptions) {
    const { state } = context;
    const { me, client, names } = state;
    this.#context = context;
    this.#device = device;
    this.#transcript = new Transcript({
      me,
      names,
      style: palette,
      receiptOf: (message) => state.receipts.of(message),
    });
    this.#session = new ScreenSession({
      device,
      client,
      compose: (size) => view.draw(size),
      onKey: (key) => {
        this.#attention.typed();
        this.#input.apply(key);
      },
      onSuspendRefused: () =>
        this.warn("Ctrl-Z needs Deno's permission --allow-run=kill, to stop the other programs of the job too."),
    });
    this.#input = new ScreenInput({
      complete: (before) => complete(before, names.completions),
      onEdit: (draft) => this.#edited(draft),
      onSubmit: (line) => this.#submitted(line),
      onScreenKey: (key) => keys.apply(key),
      onRedraw: () => this.#session.screen.redraw(),
      onLeave: () => this.#session.leave(),
    });
    this.#focus = new FocusSwitch({
      client,
      me,
      palette,
      receiptOf: (message) => state.receipts.of(message),
      onLoaded: (messages) => {
        for (const message of messages) names.learn(message);
        this.update();
      },
    });
    this.#status = new StatusBar({ client, me, changed: () => this.update() });
    const view = new ChatView({
      palette,
      context,
      focus: this.#focus,
      input: this.#input,
      status: this.#status,
    });
    const keys = new ScreenKeys({
      context,
      focus: this.#focus,
      paneSize: () => view.pane(device.size()),
      suspend: () => this.#session.suspend(),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#session.run(signal);
    this.#input.close();
    this.#keepDraft();
    // Ending the chat may take time; the terminal is the person's again at once.
    await this.#session.end();
  }

  async close(): Promise<void> {
    this.#status.close();
    await this.#session.end();
    const lines = this.#afterwards;
    this.#afterwards = [];
    if (lines.length > 0) await this.#device.write(lines.map((line) => `${line}\n`).join(""));
  }

  update(): void {
    this.#session.screen.invalidate();
  }

  showMessage(message: Message): Promise<void> {
    this.#focus.arrived(message);
    this.update();
    return Promise.resolve();
  }

  showFound(messages: readonly Message[]): Promise<void> {
    const current = this.#place?.conversation;
    return this.print(messages.flatMap((message) => this.#transcript.message(message, current)));
  }

  print(lines: readonly string[]): Promise<void> {
    if (this.#session.isOver) this.#afterwards.push(...lines);
    else this.#focus.now.window.note({ lines });
    this.update();
    return Promise.resolve();
  }

  note(text: string): void {
    void this.print(this.#transcript.note(text));
  }

  warn(text: string): void {
    void this.print(this.#transcript.warning(text));
  }

  showPresence(): void {}

  showUnread(): void {}

  async load(place: ConversationRef): Promise<() => void> {
    const listed = this.#context.state.list.get(place.conversation);
    const unreadAfter = listed !== undefined && listed.unread > 0 ? listed.readSeq : undefined;
    const focus = await this.#focus.load(place, unreadAfter);
    return () => this.#show(focus, place);
  }

  leaveConversation(): void {
    this.#keepDraft();
    this.#focus.leave();
    this.#input.setDraft("");
  }

  toNewest(): void {
    this.#context.person.attempt(() => this.#focus.now.toNewest());
  }

  catchUp(): Promise<void> {
    return this.#focus.now.loadNewest();
  }

  forget(conversation?: string): void {
    this.#focus.forget(conversation);
  }

  isWatching(conversation: string): boolean {
    return this.#attention.isPresent && this.#place?.conversation === conversation && this.#focus.now.pane.follows;
  }

  emit(sequence: string): void {
    this.#session.screen.emit(sequence);
  }

  restoreDraft(text: string, place: ConversationRef | undefined): boolean {
    if (this.#place?.conversation !== place?.conversation) return false;
    if (this.#input.draft !== "") return this.#input.draft === text;
    this.#input.setDraft(text);
    this.#keepDraft();
    this.update();
    return true;
  }

  async askSecret(question: string): Promise<string | undefined> {
    const answer = this.#input.askSecret(question);
    this.update();
    return await answer;
  }

  /** The conversation on the screen. */
  get #place(): ConversationRef | undefined {
    return this.#focus.now.current;
  }

  #show(focus: Focus, place: ConversationRef): void {
    const { names, preferences } = this.#context.state;
    this.#keepDraft();
    if (focus.window.items.length === 0) {
      const label = names.label(place.conversation);
      focus.window.note({ lines: this.#transcript.note(`Nothing was said between you and ${label} yet.`) });
    }
    // Notes from before there was a conversation stay on the screen.
    if (this.#place === undefined) {
      for (const { note } of this.#focus.now.window.items) if (note) focus.window.note(note);
    }
    this.#focus.show(focus);
    this.#input.setDraft(preferences.draft(place.conversation));
  }

  #edited(draft: string): void {
    this.#context.person.edited(draft);
    this.#keepDraft();
  }

  #submitted(line: string): void {
    this.#keepDraft();
    this.#context.person.submit(line);
  }

  #keepDraft(): void {
    if (this.#place) this.#context.state.preferences.setDraft(this.#place.conversation, this.#input.draft);
  }
}
