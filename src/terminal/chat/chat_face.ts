import type { Message } from "../../core/messages/message.ts";
import type { KeyHelp } from "../input/key_help.ts";
import type { ChatState } from "./chat_state.ts";
import type { Composers } from "./sending/composers.ts";
import type { ConversationRef } from "./conversations/conversation_ref.ts";
import type { LogTarget, ScrollPlace } from "./conversations/log_target.ts";

/** The actions of the person at the terminal, which a face reports to the chat. */
export interface PersonActions {
  /** The person submitted a line, which may be empty. */
  submit(text: string): void;
  /** The person changed the draft of the current conversation. */
  edited(draft: string): void;
  /** The person picked a conversation of the list. */
  choose(conversation: string): void;
  /** The person wants the conversation before the current one. */
  goBack(): void;
  /** The person goes to a part of the current conversation. */
  jump(target: LogTarget): void;
  /** The person goes back to the part that they were at before the last jump, in whichever conversation. */
  jumpBack(): void;
  /** The person pressed a key or continued the program. */
  noticed(): void;
  /** The terminal got or lost the focus. */
  focusReported(isFocused: boolean): void;
  /** The terminal shows a conversation up to its newest message, `seq`; it is read while the person is present. */
  shown(place: ConversationRef, seq: number): void;
  /** Runs work of the face, and warns of its {@link ChatError}. */
  attempt(work: () => Promise<void>): void;
}

/** The chat as a face sees it: the state that it shows, and the actions that it reports. */
export interface FaceContext {
  readonly state: ChatState;
  readonly composers: Composers;
  readonly person: PersonActions;
}

export interface LoadOptions {
  /** Messages with a later position are delivered after this page, so the page need not show them. */
  readonly deliveredAfter?: number;
  /** The part of the log to load; its newest messages by default. */
  readonly target?: LogTarget;
}

export interface FoundOptions {
  /** Whether the messages have numbers to go to them by: "r1". */
  readonly isNumbered: boolean;
}

/**
 * The screen and the keyboard of one chat. The chat calls it when something happens; the face reads
 * {@link FaceContext.state} whenever it draws.
 */
export interface ChatFace {
  /** Keys of this face, for `/help`. */
  readonly keys: readonly KeyHelp[];
  /** The place in the current conversation that the person went to; undefined at its newest messages. */
  readonly scrolledTo: ScrollPlace | undefined;
  /** Takes the terminal and reads keys until the person leaves, the input ends or `signal` aborts. Called once. */
  run(signal: AbortSignal): Promise<void>;
  /** Gives the terminal back as it was, with everything that was noted. Idempotent. */
  close(): Promise<void>;
  /** Part of the state changed. */
  update(): void;
  /** Shows a message that arrived or was accepted. Resolves when the terminal has it. */
  showMessage(message: Message, options: { missed: boolean }): Promise<void> | void;
  /** Shows messages that a command found. */
  showFound(messages: readonly Message[], options: FoundOptions): Promise<void> | void;
  /** Shows lines that are safe for a terminal. */
  print(lines: readonly string[]): Promise<void> | void;
  /** Shows a notice of the chat. */
  note(text: string): void;
  /** Shows a problem. */
  warn(text: string): void;
  /** Tells that a user came or left, where the face does not draw it from the state. */
  showPresence(user: string, isOnline: boolean): void;
  /** Names the conversations with unread messages, where the face does not draw them from the state. */
  showUnread(): void;
  /**
   * Shows a conversation as the current one, as far as it is known, with its own draft; it may be only the name of a
   * room.
   */
  open(place: ConversationRef): void;
  /** The server told which room a name means: the room takes over the draft of the name. */
  resolved(name: ConversationRef, room: ConversationRef, options: { isCurrent: boolean }): void;
  /** Loads messages of a conversation, the newest or those of a target. @returns a function that shows them. @throws {ChatError} */
  load(place: ConversationRef, options: LoadOptions): Promise<() => void>;
  /** Shows that there is no current conversation. */
  leaveConversation(): void;
  /** Goes back to the newest messages of the current conversation, where the person sees older ones. */
  toNewest(): void;
  /** Loads messages that the current conversation got without a connection. @throws {ChatError} */
  catchUp(): Promise<void>;
  /** Clears the messages that the person has seen from the terminal; on the server, they stay. */
  clear(): void;
  /** Drops loaded messages of a conversation, or of all. */
  forget(conversation?: string): void;
  /** Whether the person is at the terminal and sees the newest messages of this conversation. */
  isWatching(conversation: string): boolean;
  /** Writes a sequence to the terminal that shows nothing, such as the bell. */
  emit(sequence: string): void;
  /**
   * Puts a text back into the composer of its conversation, whether or not that is the current one.
   * @returns its new place: the lines to recall where there is another draft; undefined where there is no composer
   */
  giveBack(text: string, place: ConversationRef | undefined): "draft" | "recall" | undefined;
  /** Asks for one line without showing it; undefined when the person refuses. */
  askSecret(question: string): Promise<string | undefined>;
}
