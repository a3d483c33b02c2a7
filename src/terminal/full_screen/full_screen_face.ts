import type { Message } from "../../core/messages/message.ts";
import type { ChatFace, FaceContext } from "../chat/chat_face.ts";
import type { ConversationRef } from "../chat/conversation_ref.ts";
import { complete } from "../commands/completion.ts";
import { editingKeys, type KeyHelp } from "../input/key_help.ts";
import type { TerminalDevice } from "../input/terminal_device.ts";
import { ChatView } from "./chat_view.ts";
import { ConversationDrafts } from "./conversation_drafts.ts";
import { MessageArea } from "./message_area.ts";
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
  readonly #area: MessageArea;
  readonly #drafts: ConversationDrafts;
  readonly #status: StatusBar;
  /** Lines to print when the terminal is given back. */
  #afterwards: string[] = [];

  constructor(context: FaceContext, { device, palette }: FullScreenFaceOptions) {
    const { state, person } = context;
    const changed = () => this.update();
    this.#context = context;
    this.#device = device;
    this.#session = new ScreenSession({
      device,
      client: state.client,
      compose: (size) => view.draw(size),
      onKey: (key) => {
        if (key.kind === "focus") return person.focusReported(key.isFocused);
        if (key.kind !== "cursor") person.noticed();
        this.#input.apply(key);
      },
      onSuspendRefused: () =>
        this.warn("Ctrl-Z needs the Deno permission --allow-run=kill, to suspend the other programs of the job."),
    });
    this.#area = new MessageArea({ state, palette, changed });
    this.#input = new ScreenInput({
      complete: (before) => complete(before, state.names.completions),
      onEdit: (draft) => {
        this.#drafts.keep();
        person.edited(draft);
      },
      onSubmit: (line) => {
        this.#drafts.keep();
        person.submit(line);
      },
      onScreenKey: (key) => keys.apply(key),
      onRedraw: () => this.#session.screen.redraw(),
      onQuestion: changed,
      onLeave: () => this.#session.leave(),
    });
    this.#drafts = new ConversationDrafts({
      input: this.#input,
      preferences: state.preferences,
      place: () => this.#area.place,
    });
    this.#status = new StatusBar({ client: state.client, me: state.me, changed });
    const { focus } = this.#area;
    const view = new ChatView({
      palette,
      context,
      focus,
      input: this.#input,
      status: this.#status,
    });
    const keys = new ScreenKeys({
      context,
      focus,
      paneSize: () => view.pane(device.size()),
      suspend: async () => {
        await this.#session.suspend();
        person.noticed();
      },
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#session.run(signal);
    this.#input.close();
    this.#drafts.keep();
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

  showMessage(message: Message): void {
    this.#area.focus.arrived(message);
    this.update();
  }

  showFound(messages: readonly Message[]): void {
    this.print(this.#area.foundLines(messages));
  }

  print(lines: readonly string[]): void {
    if (this.#session.isOver) this.#afterwards.push(...lines);
    else this.#area.print(lines);
  }

  note(text: string): void {
    this.print(this.#area.noteLines(text));
  }

  warn(text: string): void {
    this.print(this.#area.warningLines(text));
  }

  showPresence(): void {}

  showUnread(): void {}

  async load(place: ConversationRef): Promise<() => void> {
    const focus = await this.#area.load(place);
    return () => this.#turn(() => this.#area.show(focus, place));
  }

  open(place: ConversationRef): void {
    this.#turn(() => this.#area.focus.open(place));
  }

  leaveConversation(): void {
    this.#turn(() => this.#area.focus.open(undefined));
  }

  toNewest(): void {
    this.#context.person.attempt(() => this.#area.focus.now.toNewest());
  }

  catchUp(): Promise<void> {
    return this.#area.focus.now.loadNewest();
  }

  forget(conversation?: string): void {
    this.#area.focus.forget(conversation);
  }

  isWatching(conversation: string): boolean {
    const { current, pane } = this.#area.focus.now;
    return this.#context.state.attention.isPresent && current?.conversation === conversation && pane.follows;
  }

  emit(sequence: string): void {
    this.#session.screen.emit(sequence);
  }

  restoreDraft(text: string, place: ConversationRef | undefined): boolean {
    return this.#drafts.restore(text, place);
  }

  askSecret(question: string): Promise<string | undefined> {
    return this.#input.askSecret(question);
  }

  /** Exchanges the drafts with the conversations. */
  #turn(show: () => void): void {
    const typed = this.#area.place === undefined ? this.#input.draft : "";
    this.#drafts.keep();
    show();
    this.#drafts.show({ typed });
  }
}
