import type { Message } from "../../core/messages/message.ts";
import type { ChatFace, FaceContext, FoundOptions, LoadOptions } from "../chat/chat_face.ts";
import type { ConversationRef } from "../chat/conversations/conversation_ref.ts";
import type { ScrollPlace } from "../chat/conversations/log_target.ts";
import { ChatInput } from "../chat/chat_input.ts";
import { conversationKeys } from "../chat/conversations/conversation_keys.ts";
import { editingKeys, type KeyHelp } from "../input/key_help.ts";
import type { TerminalDevice } from "../input/terminal_device.ts";
import { ChatView } from "./chat_view.ts";
import { MessageArea } from "./message_area.ts";
import type { Palette } from "./palette.ts";
import { ScreenKeys, screenKeys } from "./screen_keys.ts";
import { ScreenSession } from "./screen_session.ts";
import { StatusBar } from "./status_bar.ts";

export interface FullScreenFaceOptions {
  readonly device: TerminalDevice;
  readonly palette: Palette;
  /** The server's address, for people. */
  readonly address: string;
}

/** The face that takes the whole terminal: conversations, messages, a status bar and the input line. */
export class FullScreenFace implements ChatFace {
  readonly keys: readonly KeyHelp[] = [...screenKeys, ...conversationKeys, ...editingKeys];
  readonly #context: FaceContext;
  readonly #device: TerminalDevice;
  readonly #session: ScreenSession;
  readonly #input: ChatInput;
  readonly #area: MessageArea;
  readonly #status: StatusBar;
  readonly #view: ChatView;
  /** Lines to print when the terminal is given back. */
  #afterwards: string[] = [];

  constructor(context: FaceContext, { device, palette, address }: FullScreenFaceOptions) {
    const { state, composers, person } = context;
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
    this.#input = new ChatInput({
      composers,
      person,
      shape: () => view.inputShape(device.size()),
      onScreenKey: (key) => keys.apply(key),
      onRedraw: () => this.#session.screen.redraw(),
      onQuestion: changed,
      onLeave: () => this.#session.leave(),
    });
    this.#status = new StatusBar({ client: state.client, me: state.me, changed });
    const { focus } = this.#area;
    const view = this.#view = new ChatView({
      palette,
      address,
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
      toggleBare: () => view.toggleBare(),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#session.run(signal);
    this.#input.close();
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

  get scrolledTo(): ScrollPlace | undefined {
    return this.#area.focus.now.pane.place;
  }

  update(): void {
    this.#session.screen.invalidate();
  }

  showMessage(message: Message): void {
    this.#area.focus.arrived(message);
    this.update();
  }

  showFound(messages: readonly Message[], options: FoundOptions): void {
    this.print(this.#area.foundLines(messages, options));
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

  open(place: ConversationRef): void {
    this.#context.composers.opened(place);
    this.#area.open(place);
  }

  resolved(name: ConversationRef, room: ConversationRef, { isCurrent }: { isCurrent: boolean }): void {
    this.#context.composers.resolved(name, room);
    if (isCurrent) this.#area.replace(room);
  }

  async load(place: ConversationRef, options: LoadOptions): Promise<() => void> {
    const show = await this.#area.load(place, options);
    return () => show(this.#view.pane(this.#device.size()));
  }

  leaveConversation(): void {
    this.#area.focus.open(undefined);
  }

  toNewest(): void {
    this.#context.person.attempt(() => this.#area.focus.now.toNewest());
  }

  catchUp(): Promise<void> {
    return this.#area.focus.now.catchUp();
  }

  clear(): void {
    this.#context.person.attempt(() => this.#area.focus.now.clear());
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

  giveBack(text: string, place: ConversationRef | undefined): "draft" | "recall" {
    return this.#context.composers.giveBack(text, place);
  }

  askSecret(question: string): Promise<string | undefined> {
    return this.#input.askSecret(question);
  }
}
