import type { ChatClient } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import { conversationAddress, type Message } from "../../core/messages/message.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import { messageLine } from "../text/message_line.ts";
import { changedMessage } from "./changed_message.ts";

export interface ReplyTargetsOptions {
  readonly me: string;
  readonly client: ChatClient;
  /** A message was loaded that was not known when it was asked for. */
  changed(): void;
}

interface Place {
  readonly conversation: string;
  readonly seq: number;
}

/** Messages to know at most. */
const maxKnown = 2_000;
/** The part of a text to keep, in UTF-16 units. */
const maxText = 300;

/** The messages that replies answer and that pins are of, as far as they were loaded. */
export class ReplyTargets {
  readonly #options: ReplyTargetsOptions;
  /** By conversation and seq, the last one learned at the end; undefined for a message that cannot be had. */
  readonly #known = new Map<string, Message | undefined>();
  readonly #wanted = new Map<string, Place>();
  #isLoading = false;

  constructor(options: ReplyTargetsOptions) {
    this.#options = options;
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

  /** "ben: shall we?", safe for a terminal: the message that a reply answers. "" while it is unknown, and loads it. */
  of({ conversation, replyTo }: Message): string {
    const target = replyTo === undefined ? undefined : this.#find({ conversation, seq: replyTo });
    return target === undefined ? "" : `${sanitizeLine(target.sender)}: ${messageLine(target)}`;
  }

  /** A line of the message that was pinned, like {@link of}; "" for every other entry. */
  pinnedBy({ conversation, event }: Message): string {
    if (event?.kind !== "pinned" || event.removed) return "";
    const target = this.#find({ conversation, seq: event.target });
    return target === undefined ? "" : messageLine(target);
  }

  /** Resolves when {@link pinnedBy} knows its message, or cannot learn it now. */
  async loadPinned({ conversation, event }: Message): Promise<void> {
    if (event?.kind !== "pinned") return;
    const wanted = key(conversation, event.target);
    if (!this.#known.has(wanted)) await this.#loadOne(wanted, { conversation, seq: event.target });
  }

  /** Returns a message if it is known, and else loads it. */
  #find(place: Place): Message | undefined {
    const wanted = key(place.conversation, place.seq);
    const target = this.#known.get(wanted);
    if (target === undefined && !this.#known.has(wanted) && this.#options.client.state.kind === "online") {
      this.#wanted.set(wanted, place);
      void this.#load();
    }
    return target;
  }

  /** Drops everything: the log is another one. */
  forget(): void {
    this.#known.clear();
    this.#wanted.clear();
  }

  async #load(): Promise<void> {
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
      // Without a connection, the next drawing asks again.
      if (error.code !== "unavailable") this.#keep(wanted, undefined);
    }
  }

  #keep(wanted: string, message: Message | undefined): void {
    this.#known.delete(wanted);
    this.#known.set(wanted, message && { ...message, text: message.text.slice(0, maxText) });
    if (this.#known.size > maxKnown) this.#known.delete(this.#known.keys().next().value!);
  }
}

function key(conversation: string, seq: number): string {
  return `${conversation} ${seq}`;
}
