import type { ChatClient, SendOptions } from "../../client/chat_client.ts";
import type { TransferOptions } from "../../client/file_transfer.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { Message } from "../../core/messages/message.ts";
import type { Credentials } from "../../gen/chatd/v1/auth.ts";
import type { KeyHelp } from "../input/key_help.ts";
import type { Away } from "../chat/person/away.ts";
import type { ConversationNames } from "../chat/conversations/conversation_names.ts";
import type { ConversationRef } from "../chat/conversations/conversation_ref.ts";
import type { LogTarget } from "../chat/conversations/log_target.ts";
import type { Preferences } from "../chat/person/preferences.ts";
import type { RoomAddresses } from "../chat/conversations/room_addresses.ts";
import { isRoomName } from "../chat/conversations/room_names.ts";

/** The parts of a chat that a command may use. */
export interface CommandContext {
  readonly client: ChatClient;
  readonly me: string;
  readonly names: ConversationNames;
  readonly rooms: Pick<RoomAddresses, "resolve" | "invitation" | "privateRooms">;
  readonly preferences: Preferences;
  readonly away: Pick<Away, "declare">;
  readonly keys: readonly KeyHelp[];
  /** Shows lines that are safe for a terminal. */
  print(lines: readonly string[]): Promise<void> | void;
  /** Shows messages that the command found. */
  show(messages: readonly Message[]): Promise<void> | void;
  /** Shows messages of several conversations that the command found, with numbers to go to them by. */
  showResults(messages: readonly Message[]): Promise<void> | void;
  /** Clears the messages from the terminal. */
  clear(): void;
  /**
   * Loads the room that the person went to with this command, once it exists for them. Lines and drafts of the place
   * are those of the room.
   * @throws {ChatError}
   */
  opened(place: ConversationRef, room: { id: string; name: string; public: boolean }): Promise<void>;
  /** Sends a message; `typed`, the line of the command, is put back when it is refused. */
  send(place: ConversationRef, message: { text: string; typed: string }, options?: SendOptions): void;
  /** Puts a line into the draft of a conversation, unless there is another draft. */
  fillIn(line: string, place: ConversationRef): void;
  /** Transfers a file in the background, shown as `activity` ("sending notes.txt"), then shows the text from `work`. */
  transfer(activity: string, work: (options: TransferOptions) => Promise<string | undefined>): void;
  /** The person is not in this room any more, or declined the invitation to it. */
  left(address: string): void;
  askSecret(question: string): Promise<string | undefined>;
  keepCredentials(credentials: Credentials): Promise<void>;
  loggedOut(): Promise<void>;
  /** Ends the chat, with a last note. */
  leave(note?: string): void;
}

/** A command as the person typed it. */
export interface CommandInput {
  /** The words after the command's name. */
  readonly words: readonly string[];
  /** The text after the command's name, with its spaces. */
  readonly text: string;
  /** The whole line. */
  readonly typed: string;
  /** The conversation that the line was entered in, or that its command goes to. */
  readonly place: ConversationRef | undefined;
}

/** A part of a log that a command goes to as soon as it is entered, or the result of a search by its number. */
export type Jump =
  | { readonly kind: "log"; readonly target: LogTarget; readonly address?: string }
  | { readonly kind: "result"; readonly number: number };

export interface Command {
  /** The form of the arguments, for people. */
  readonly arguments: string;
  readonly summary: string;
  /** Whether its first word is a name that Tab completes. */
  readonly takesName?: boolean;
  /** Whether one of its words may be a day, which Tab completes. */
  readonly takesDay?: boolean;
  /** The address that the command goes to as soon as it is entered; undefined when the arguments are wrong. */
  destination?(input: { readonly words: readonly string[]; readonly text: string }): string | undefined;
  /** The part of a log that the command goes to as soon as it is entered; undefined when the arguments are wrong. */
  jump?(words: readonly string[]): Jump | undefined;
  /** Set where the destination is no conversation of the person before the command has run. */
  readonly opensDestination?: "joined" | "created";
  /** How many words come before the path that Tab completes; none is completed by default. */
  readonly wordsBeforePath?: number;
  run(context: CommandContext, input: CommandInput): Promise<void> | void;
}

/** Commands by name; each file has a table for one subject. */
export type Commands = Readonly<Record<string, Command>>;

/** Returns the only word. @throws {ChatError} unless there is exactly one */
export function only(words: readonly string[], form: string): string {
  if (words.length !== 1) throw usage(form);
  return words[0];
}

/** Parses a number from 1 to `most`. @throws {ChatError} */
export function parseNumber(text: string, form: string, most: number = Number.MAX_SAFE_INTEGER): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= most) return number;
  const range = most === Number.MAX_SAFE_INTEGER ? "the number of a message" : `a number from 1 to ${most}`;
  throw new ChatError("invalid_argument", `"${text}" is not ${range}. Usage: ${form}`);
}

export function usage(form: string): ChatError {
  return new ChatError("invalid_argument", `Usage: ${form}`);
}

/** Returns the parsed arguments; undefined where they are wrong, which the command says when it runs. */
export function parsed<Arguments>(parse: () => Arguments): Arguments | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ChatError) return undefined;
    throw error;
  }
}

/** The conversation that a command was entered in. @throws {ChatError} when there is none */
export function placeOf({ place }: CommandInput): ConversationRef {
  if (place !== undefined && !isRoomName(place)) return place;
  throw noConversation();
}

export function noConversation(): ChatError {
  return new ChatError("invalid_argument", "You are in no conversation. Choose one with /to NAME or /to #ROOM.");
}
