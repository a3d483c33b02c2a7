import type { ChatClient } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import { findMentions } from "../../core/messages/mentions.ts";
import { conversationAddress, maxTextBytes, type Message } from "../../core/messages/message.ts";
import { messageIdOf } from "../../core/messages/message_id.ts";
import { isRoomId } from "../../core/rooms/room.ts";
import { printNotice } from "../script/output.ts";
import { type CommandOutcome, runCommand } from "./command_run.ts";
import type { commandVariables } from "../options/command_variables.ts";

export interface BotOptions {
  readonly user: string;
  /** The consumer's name. It is part of the ids of answers, so two bots of one user can answer the same message. */
  readonly name: string;
  readonly command: readonly string[];
  /** Added to the command's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Maximum number of commands that run at once. */
  readonly concurrency: number;
  readonly timeoutMs: number;
  /** Ids of the conversations to answer in; undefined means all. */
  readonly only: ReadonlySet<string> | undefined;
  /** In rooms, answers only messages that mention the bot. */
  readonly mentionsOnly: boolean;
  /** Called when the command cannot be started. */
  onFailed(error: ChatError): void;
}

/** Runs a command for each message from other users, one at a time in each conversation, and sends its output. */
export class Bot {
  /** Sends the answers. */
  client: ChatClient | undefined;
  readonly #options: BotOptions;
  readonly #stop = new AbortController();
  readonly #last = new Map<string, Promise<void>>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #isStopping = false;

  constructor(options: BotOptions) {
    this.#options = options;
    this.#free = options.concurrency;
  }

  /** Resolves once the answer is accepted or no answer is needed; never resolves if the bot stops first. */
  take(message: Message): Promise<void> {
    if (!this.#isRelevant(message)) return Promise.resolve();
    const { conversation } = message;
    const before = this.#last.get(conversation) ?? Promise.resolve();
    const done = before.then(() => this.#answer(message));
    this.#last.set(conversation, done);
    void done.then(() => this.#last.get(conversation) === done && this.#last.delete(conversation));
    return done;
  }

  /** Starts no more commands, and waits up to `graceMs` for running ones before ending them. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    const timer = setTimeout(() => this.#stop.abort(), graceMs);
    while (this.#running.size > 0) await Promise.race(this.#running);
    clearTimeout(timer);
  }

  /** Ends running commands. */
  async kill(): Promise<void> {
    this.#stop.abort();
    await this.stop(0);
  }

  #isRelevant({ sender, event, automatic, deleted, withheld, conversation, text }: Message): boolean {
    const { user, only, mentionsOnly } = this.#options;
    if (sender === user || automatic || deleted || withheld || event !== undefined) return false;
    if (only !== undefined && !only.has(conversation)) return false;
    return !mentionsOnly || !isRoomId(conversation) || findMentions(text, (name) => name === user).length > 0;
  }

  async #answer(message: Message): Promise<void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    const working = this.#isStopping ? Promise.resolve(false) : this.#runCommand(message);
    this.#running.add(working);
    const isDone = await working;
    this.#running.delete(working);
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
    if (!isDone) await new Promise(() => {});
  }

  /** Runs the command and sends its output. @returns whether the message is done */
  async #runCommand(message: Message): Promise<boolean> {
    const { command, env, timeoutMs, onFailed } = this.#options;
    const where = `${conversationAddress(message.conversation, this.#options.user)} ${message.seq}`;
    let outcome: CommandOutcome;
    try {
      outcome = await runCommand({
        command,
        input: message.text,
        env: { ...env, ...this.#environmentFor(message) },
        timeoutMs,
        maxBytes: maxTextBytes,
        signal: this.#stop.signal,
      });
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      onFailed(error);
      return false;
    }
    if (this.#stop.signal.aborted) return false;
    if (outcome.problem !== undefined) printNotice(`${where}: ${command[0]} ${outcome.problem}.`);
    if (outcome.text === "") return true;
    try {
      await this.#send(message, outcome.text);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (this.client!.state.kind === "ended") return false;
      // A conflict means that an earlier run sent another text as the answer.
      if (error.code !== "message_id_conflict") printNotice(`${where}: Cannot send the answer: ${error.message}`);
    }
    return true;
  }

  /** Derives the answer's id from the message: a second answer after a crash is a duplicate. */
  async #send(message: Message, text: string): Promise<void> {
    const { name, user } = this.#options;
    const about = JSON.stringify(["answer", name, message.conversation, message.seq, message.id]);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(about)));
    const id = messageIdOf(message.acceptedAt, digest);
    await this.client!.send(conversationAddress(message.conversation, user), text, { id, automatic: true });
  }

  #environmentFor(message: Message): Record<typeof commandVariables[number], string> {
    const { conversation, sender, seq, position, id, acceptedAt, replyTo, attachment } = message;
    const { user } = this.#options;
    return {
      CHATD_ME: user,
      CHATD_SENDER: sender,
      CHATD_CONVERSATION: conversation,
      CHATD_ADDRESS: conversationAddress(conversation, user),
      CHATD_SEQ: String(seq),
      CHATD_POSITION: String(position),
      CHATD_ID: id,
      CHATD_ACCEPTED_AT: new Date(acceptedAt).toISOString(),
      CHATD_REPLY_TO: replyTo === undefined ? "" : String(replyTo),
      CHATD_FILE_NAME: attachment?.name.replaceAll("\0", "") ?? "",
      CHATD_FILE_SIZE: attachment === undefined ? "" : String(attachment.size),
    };
  }
}
