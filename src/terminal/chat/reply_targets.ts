import type { ChatClient } from "../../client/chat_client.ts";
import { isTransient } from "../../client/server_error.ts";
import { systemTimers, type Timers } from "../../client/timers.ts";
import { ChatError } from "../../core/chat_error.ts";
import { conversationAddress, type Message } from "../../core/messages/message.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import { messageLine } from "../text/message_line.ts";
import { changedMessage } from "./changed_message.ts";

export interface ReplyTargetsOptions {
  readonly me: string;
  readonly client: ChatClient;
  /** A message was loaded that was not known when it was asked for, or may be asked for again. */
  changed(): void;
  readonly timers?: Timers;
}

interface Place {
  readonly conversation: string;
  readonly seq: number;
}

/** Messages to know at most. */
const maxKnown = 2_000;
/** The part of a text to keep, in UTF-16 units. */
const maxText = 300;
/** How long to wait after a failed attempt, in milliseconds. */
const retryMs = 5_000;
const unavailableText = "(message not available)";

/** The messages that replies answer and that pins are of, as far as they were loaded. */
export class ReplyTargets {
  readonly #options: ReplyTargetsOptions;
  readonly #timers: Timers;
  /** By conversation and seq, the last one learned at the end; undefined for a message that the server does not have. */
  readonly #known = new Map<string, Message | undefined>();
  readonly #wanted = new Map<string, Place>();
  /** Messages that could not be loaded for a reason that passes. */
  readonly #postponed = new Set<string>();
  #isLoading = false;
  #isClosed = false;
  #cancel = () => {};

  constructor(options: ReplyTargetsOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
  }

  /** Keeps a message, or changes the one that an event is about. */
  learn(message: Message): void {
    const { conversation, seq, event } = message;
    if (event === undefined) return this.#keep(key(conversation, seq), message);
    if (event.kind !== "edited" && event.kind !== "deleted") return;
    const target = this.#known.get(key(conversation, event.target));
    if (target !== undefined) {
      this.#keep(key(conversation, event.target), changedMessage(target, message, this.#options.me));
    }
  }

  /**
   * "ben: shall we?", safe for a terminal: the message that a reply answers. "" while it is unknown, and loads it;
   * "(message not available)" when the server does not have it for this person.
   */
  of({ conversation, replyTo }: Message): string {
    if (replyTo === undefined) return "";
    const target = this.#find({ conversation, seq: replyTo });
    if (target === undefined) return this.#known.has(key(conversation, replyTo)) ? unavailableText : "";
    return `${sanitizeLine(target.sender)}: ${messageLine(target)}`;
  }

  /** A line of the message that was pinned, like {@link of}; "" for every other entry. */
  pinnedBy({ conversation, event }: Message): string {
    if (event?.kind !== "pinned" || event.removed) return "";
    const target = this.#find({ conversation, seq: event.target });
    return target === undefined ? "" : messageLine(target);
  }

  /** Whether an entry answers or pins a message that was not loaded. */
  lacks(entry: Message): boolean {
    const place = targetOf(entry);
    return place !== undefined && !this.#known.has(key(place.conversation, place.seq));
  }

  /** Resolves when {@link of} and {@link pinnedBy} know the entry's message, or cannot learn it now. */
  async load(entry: Message): Promise<void> {
    const place = targetOf(entry);
    if (place !== undefined && this.lacks(entry)) await this.#loadOne(key(place.conversation, place.seq), place);
  }

  /** Returns a message if it is known, and else loads it. */
  #find(place: Place): Message | undefined {
    const wanted = key(place.conversation, place.seq);
    const target = this.#known.get(wanted);
    const mayAsk = !this.#known.has(wanted) && !this.#postponed.has(wanted);
    if (mayAsk && this.#options.client.state.kind === "online") {
      this.#wanted.set(wanted, place);
      void this.#loadWanted();
    }
    return target;
  }

  /** There is another connection: messages that could not be had over the former one are asked for again. */
  connected(): void {
    for (const [each, message] of this.#known) if (message === undefined) this.#known.delete(each);
    this.#retry();
  }

  /** Drops everything: the log is another one. */
  forget(): void {
    this.#known.clear();
    this.#wanted.clear();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #retry(): void {
    this.#cancel();
    this.#postponed.clear();
    this.#options.changed();
  }

  async #loadWanted(): Promise<void> {
    if (this.#isLoading) return;
    this.#isLoading = true;
    for (const [wanted, place] of this.#wanted) {
      await this.#loadOne(wanted, place);
      this.#wanted.delete(wanted);
    }
    this.#isLoading = false;
  }

  async #loadOne(wanted: string, { conversation, seq }: Place): Promise<void> {
    const { client, me, changed } = this.#options;
    try {
      const page = { with: conversationAddress(conversation, me), beforeSeq: seq + 1, limit: 1, events: true };
      const [found] = (await client.history(page)).messages.flatMap((message) => fromWireMessage(message) ?? []);
      this.#keep(wanted, found?.seq === seq ? found : undefined);
      changed();
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (isTransient(error)) return this.#postpone(wanted, error);
      this.#keep(wanted, undefined);
      changed();
    }
  }

  #postpone(wanted: string, { retryAfterMs = 0 }: ChatError): void {
    this.#postponed.add(wanted);
    this.#cancel();
    if (this.#isClosed) return;
    this.#cancel = this.#timers.after(Math.max(retryMs, retryAfterMs), () => this.#retry());
  }

  #keep(wanted: string, message: Message | undefined): void {
    this.#known.delete(wanted);
    this.#known.set(wanted, message && { ...message, text: message.text.slice(0, maxText) });
    if (this.#known.size > maxKnown) this.#known.delete(this.#known.keys().next().value!);
  }
}

/** The message that an entry answers or pins. */
function targetOf({ conversation, event, replyTo }: Message): Place | undefined {
  const seq = event?.kind === "pinned" && !event.removed ? event.target : replyTo;
  return seq === undefined ? undefined : { conversation, seq };
}

function key(conversation: string, seq: number): string {
  return `${conversation} ${seq}`;
}
