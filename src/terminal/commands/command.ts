import type { ChatClient, SendOptions } from "../../client/chat_client.ts";
import type { TransferOptions } from "../../client/file_transfer.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { Message } from "../../core/messages/message.ts";
import type { Credentials } from "../../gen/chatd/v1/auth.ts";
import type { ConversationNames } from "../chat/conversation_names.ts";
import type { Level } from "../chat/conversation_list.ts";
import type { Notify } from "../chat/preferences.ts";

/** The conversation that the person writes to. */
export interface Current {
  readonly address: string;
  readonly conversation: string;
}

/** What a person can set of their full screen. */
export interface ScreenSettings {
  readonly notify: Notify;
  setNotify(notify: Notify): void;
  level(conversation: string): Level;
  setLevel(conversation: string, level: Level): void;
}

/** What commands may do to the chat that they are given in. */
export interface CommandContext {
  readonly client: ChatClient;
  readonly me: string;
  readonly current: Current | undefined;
  readonly names: ConversationNames;
  /** Lines that are safe for a terminal. */
  print(lines: readonly string[]): Promise<void>;
  show(messages: readonly Message[]): Promise<void>;
  /** From now on. */
  writeTo(typed: string): Promise<void>;
  /** Sends to the current conversation; `typed` is given back when it is refused. */
  send(text: string, typed: string, options?: SendOptions): void;
  /** Works on a file while the person goes on; `what` says so ("sending notes.txt"). What it resolves with is told, if anything. */
  transfer(what: string, work: (options: TransferOptions) => Promise<string | undefined>): void;
  /** To nobody, until the next `writeTo`. */
  stopWriting(): void;
  /** What the person wants of this screen, where it can be had. */
  readonly screen?: ScreenSettings;
  askSecret(question: string): Promise<string | undefined>;
  keepCredentials(credentials: Credentials): Promise<void>;
  loggedOut(): Promise<void>;
  leave(): void;
}

/** What was typed after a command's name. */
export interface CommandInput {
  readonly words: readonly string[];
  /** With its spaces. */
  readonly text: string;
  /** The whole line. */
  readonly typed: string;
}

export interface Command {
  /** After the name, for people. */
  readonly arguments: string;
  readonly summary: string;
  /** Its first word is somebody or something to be completed. */
  readonly takesName?: boolean;
  run(context: CommandContext, input: CommandInput): Promise<void> | void;
}

/** Names that begin with the same words are together in a file, and commands of a file in a table. */
export type Commands = Readonly<Record<string, Command>>;

/** @throws {ChatError} unless there is just one word */
export function only(words: readonly string[], form: string): string {
  if (words.length !== 1) throw usage(form);
  return words[0];
}

/** A number from 1 to `most`. @throws {ChatError} */
export function parseNumber(text: string, form: string, most: number = Number.MAX_SAFE_INTEGER): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= most) return number;
  const range = most === Number.MAX_SAFE_INTEGER ? "the number of a message" : `a number from 1 to ${most}`;
  throw new ChatError("invalid_argument", `"${text}" is not ${range}. Write: ${form}`);
}

export function usage(form: string): ChatError {
  return new ChatError("invalid_argument", `Write: ${form}`);
}

/** Where the person is. @throws {ChatError} nowhere */
export function currentOf({ current }: CommandContext): Current {
  if (current !== undefined) return current;
  throw new ChatError("invalid_argument", "You are in no conversation: /to NAME or /to #ROOM chooses one.");
}
