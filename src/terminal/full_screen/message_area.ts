import type { Message } from "../../core/messages/message.ts";
import type { FoundOptions, LoadOptions } from "../chat/chat_face.ts";
import type { ChatState } from "../chat/chat_state.ts";
import type { ConversationRef } from "../chat/conversations/conversation_ref.ts";
import { resultName } from "../chat/conversations/found_messages.ts";
import { Transcript } from "../text/transcript.ts";
import type { Focus } from "./focus.ts";
import { FocusSwitch } from "./focus_switch.ts";
import type { PaneSize } from "./message_pane.ts";
import type { Palette } from "./palette.ts";

export interface MessageAreaOptions {
  readonly state: ChatState;
  readonly palette: Palette;
  /** There is more to show. */
  changed(): void;
}

/** The area of the screen that shows a conversation, with notes of the chat between the messages. */
export class MessageArea {
  readonly focus: FocusSwitch;
  readonly #options: MessageAreaOptions;
  readonly #transcript: Transcript;

  constructor(options: MessageAreaOptions) {
    const { state, palette, changed } = options;
    const { attention, client, list, me, names } = state;
    this.#options = options;
    this.#transcript = new Transcript({ me, names, style: palette, details: state });
    this.focus = new FocusSwitch({
      client,
      me,
      palette,
      details: state,
      isPresent: () => attention.isPresent,
      phrase: (conversation) => names.phrase(conversation),
      readSeq: (conversation) => list.get(conversation)?.readSeq ?? 0,
      onLoaded: (messages) => {
        for (const message of messages) state.learn(message);
        changed();
      },
    });
  }

  /** The conversation on the screen. */
  get place(): ConversationRef | undefined {
    return this.focus.now.current;
  }

  /** Lines for messages that a command found. */
  foundLines(messages: readonly Message[], { isNumbered }: FoundOptions): string[] {
    const current = this.place?.conversation;
    return messages.flatMap((message, i) =>
      this.#transcript.message(message, current, isNumbered ? { mark: resultName(i + 1) } : {})
    );
  }

  noteLines(text: string): string[] {
    return this.#transcript.note(text);
  }

  warningLines(text: string): string[] {
    return this.#transcript.warning(text);
  }

  /** Shows lines below the messages. */
  print(lines: readonly string[]): void {
    this.focus.now.note(lines);
    this.#options.changed();
  }

  /** Shows a conversation as it is known here, with a mark where its unread messages begin. */
  open(place: ConversationRef): void {
    this.focus.open(place, this.#unreadAfter(place));
  }

  /** Shows a room in the place of its name. */
  replace(place: ConversationRef): void {
    this.focus.replace(place, this.#unreadAfter(place));
  }

  /** Loads messages of a conversation that was opened. @returns a function that shows them @throws {ChatError} */
  async load(place: ConversationRef, { target }: LoadOptions): Promise<(size: PaneSize) => void> {
    const focus = this.focus.of(place);
    if (focus !== undefined && target !== undefined) return await focus.load(target);
    if (focus !== undefined) await this.#loadNewest(focus, place);
    return () => {};
  }

  async #loadNewest(focus: Focus, place: ConversationRef): Promise<void> {
    const isFirst = !focus.loaded;
    await focus.loadNewest();
    if (!isFirst || focus.window.lastSeq > 0) return;
    const phrase = this.#options.state.names.phrase(place.conversation);
    focus.window.note({ lines: this.noteLines(`No messages ${phrase} yet.`) });
  }

  #unreadAfter({ conversation }: ConversationRef): number | undefined {
    const listed = this.#options.state.list.get(conversation);
    return listed !== undefined && listed.unread > 0 ? listed.readSeq : undefined;
  }
}
