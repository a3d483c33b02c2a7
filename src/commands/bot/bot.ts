import type { ChatClient } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import { findMentions } from "../../core/messages/mentions.ts";
import { conversationAddress, maxTextBytes, type Message } from "../../core/messages/message.ts";
import { messageIdOf } from "../../core/messages/message_id.ts";
import { isRoomId } from "../../core/rooms/room.ts";
import { tell } from "../script/output.ts";
import { iso } from "../script/records.ts";
import { type CommandOutcome, runCommand } from "./command_run.ts";

export interface BotOptions {
  readonly user: string;
  /** Of the consumer; part of the ids of answers, so that two bots of one user can answer the same message. */
  readonly name: string;
  readonly command: readonly string[];
  /** In its environment too. */
  readonly env: Readonly<Record<string, string>>;
  /** Commands that run at once, in all. */
  readonly concurrency: number;
  readonly timeoutMs: number;
  /** Conversations; undefined takes all. */
  readonly only: ReadonlySet<string> | undefined;
  /** In rooms, only messages that name the bot. */
  readonly mentionsOnly: boolean;
  /** The command cannot be run at all. */
  failed(error: ChatError): void;
}

/** Runs a command for each message of others, one at a time in a conversation, and sends what it prints. */
export class Bot {
  /** What answers go out over. */
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

  /** Resolves when its answer was accepted, or it needs none; never when the bot stops before. */
  take(message: Message): Promise<void> {
    if (!this.#wants(message)) return Promise.resolve();
    const { conversation } = message;
    const before = this.#last.get(conversation) ?? Promise.resolve();
    const done = before.then(() => this.#answer(message));
    this.#last.set(conversation, done);
    void done.then(() => this.#last.get(conversation) === done && this.#last.delete(conversation));
    return done;
  }

  /** Begins nothing more, and lets what runs come to its end within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    const timer = setTimeout(() => this.#stop.abort(), graceMs);
    while (this.#running.size > 0) await Promise.race(this.#running);
    clearTimeout(timer);
  }

  /** Ends what runs. */
  async kill(): Promise<void> {
    this.#stop.abort();
    await this.stop(0);
  }

  #wants({ sender, event, automatic, deleted, withheld, conversation, text }: Message): boolean {
    const { user, only, mentionsOnly } = this.#options;
    if (sender === user || automatic || deleted || withheld || event !== undefined) return false;
    if (only !== undefined && !only.has(conversation)) return false;
    return !mentionsOnly || !isRoomId(conversation) || findMentions(text, (name) => name === user).length > 0;
  }

  async #answer(message: Message): Promise<void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    const working = this.#isStopping ? Promise.resolve(false) : this.#work(message);
    this.#running.add(working);
    const isDone = await working;
    this.#running.delete(working);
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
    if (!isDone) await new Promise(() => {});
  }

  /** @returns whether the message needs nothing more. */
  async #work(message: Message): Promise<boolean> {
    const { command, env, timeoutMs, failed } = this.#options;
    const where = `${conversationAddress(message.conversation, this.#options.user)} ${message.seq}`;
    let outcome: CommandOutcome;
    try {
      outcome = await runCommand({
        command,
        input: message.text,
        env: { ...env, ...this.#environment(message) },
        timeoutMs,
        maxBytes: maxTextBytes,
        signal: this.#stop.signal,
      });
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      failed(error);
      return false;
    }
    if (this.#stop.signal.aborted) return false;
    if (outcome.problem !== undefined) tell(`${where}: ${command[0]} ${outcome.problem}.`);
    if (outcome.text === "") return true;
    try {
      await this.#send(message, outcome.text);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (this.client!.state.kind === "ended") return false;
      // Another text was accepted as the answer before.
      if (error.code !== "message_id_conflict") tell(`${where}: Cannot send the answer: ${error.message}`);
    }
    return true;
  }

  /** The same message gets the same id of its answer: whoever answers it again, after a crash, sends it once. */
  async #send(message: Message, text: string): Promise<void> {
    const { name, user } = this.#options;
    const about = JSON.stringify(["answer", name, message.conversation, message.seq, message.id]);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(about)));
    const id = messageIdOf(message.acceptedAt, digest);
    await this.client!.send(conversationAddress(message.conversation, user), text, { id, automatic: true });
  }

  #environment(message: Message): Record<string, string> {
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
      CHATD_ACCEPTED_AT: iso(acceptedAt),
      CHATD_REPLY_TO: replyTo === undefined ? "" : String(replyTo),
      CHATD_FILE_NAME: attachment?.name.replaceAll("\0", "") ?? "",
      CHATD_FILE_SIZE: attachment === undefined ? "" : String(attachment.size),
    };
  }
}
