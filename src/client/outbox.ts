import type { ChatError } from "../core/chat_error.ts";
import type { Accepted, Attachment, Message } from "../core/messages/message.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import { UnknownOutcome } from "./unknown_outcome.ts";

/** A message to send. */
export interface OutboxEntry {
  /** A UUIDv7; the same in each attempt. */
  readonly id: string;
  readonly to: string;
  readonly text: string;
  /** The seq of the message that it answers. */
  readonly replyTo?: number;
  /** The id of a finished upload, and its file. */
  readonly uploadId?: string;
  readonly attachment?: Attachment;
  /** A program wrote the message in answer to another. */
  readonly automatic?: boolean;
  /** Size of its request in a frame, in bytes. */
  readonly bytes: number;
}

interface PendingEntry extends OutboxEntry {
  inFlight: boolean;
  /** It was sent, and the server may have accepted it. */
  mayBeAccepted: boolean;
  resolve(message: Message): void;
  reject(error: ChatError): void;
}

export interface OutboxOptions {
  /** Messages that may be sent and without a reply. Default 64. */
  maxMessages?: number;
  /** Bytes of such messages; one message is always allowed. Default 128 KiB. */
  maxBytes?: number;
  /** Waits of refused messages when the server names none. */
  backoff?: BackoffOptions;
}

/**
 * Keeps messages in their order until each is accepted or refused for good. It outlives sessions: a message without a
 * reply is sent again with the same id.
 *
 * After a transient refusal, messages are sent one at a time until none is left: of several in flight, later ones would
 * overtake one that is refused.
 */
export class Outbox {
  readonly #entries = new Map<string, PendingEntry>();
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #backoff: Backoff;
  #inFlight = 0;
  #inFlightBytes = 0;
  #oneAtATime = false;
  #heldUntil = 0;

  constructor(options: OutboxOptions = {}) {
    this.#maxMessages = options.maxMessages ?? 64;
    this.#maxBytes = options.maxBytes ?? 128 * 1024;
    this.#backoff = new Backoff(options.backoff);
  }

  /** Number of messages without a final reply. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Adds a message. Resolves when the server has accepted it.
   * @throws {UnknownOutcome} if the outbox is closed before the reply
   * @throws {ChatError} a refusal for good
   */
  add(entry: OutboxEntry): Promise<Message> {
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    this.#entries.set(entry.id, { ...entry, inFlight: false, mayBeAccepted: false, resolve, reject });
    return promise;
  }

  find(id: string): OutboxEntry | undefined {
    return this.#entries.get(id);
  }

  /** Returns the messages to send now, and marks them as in flight. */
  takeReady(now: number): OutboxEntry[] {
    if (now < this.#heldUntil) return [];
    const ready: OutboxEntry[] = [];
    const maxMessages = this.#oneAtATime ? 1 : this.#maxMessages;
    for (const entry of this.#entries.values()) {
      if (this.#inFlight >= maxMessages) break;
      if (entry.inFlight) continue;
      if (this.#inFlight > 0 && this.#inFlightBytes + entry.bytes > this.#maxBytes) break;
      entry.inFlight = true;
      entry.mayBeAccepted = true;
      this.#inFlight++;
      this.#inFlightBytes += entry.bytes;
      ready.push(entry);
    }
    return ready;
  }

  /** Returns how long {@link takeReady} holds messages back after a refusal, in milliseconds. */
  heldMs(now: number): number {
    return this.#entries.size > 0 ? Math.max(0, this.#heldUntil - now) : 0;
  }

  /**
   * Settles a message.
   * @returns it as it is in the log, with 0 for its ordinal; undefined when it was settled before
   */
  accept(id: string, sender: string, accepted: Accepted): Message | undefined {
    const entry = this.#remove(id);
    if (!entry) return undefined;
    this.#backoff.reset();
    if (this.#entries.size === 0) this.#oneAtATime = false;
    const { text, replyTo, attachment, automatic } = entry;
    const message = {
      ...accepted,
      id,
      sender,
      text,
      ordinal: 0,
      ...(replyTo !== undefined && { replyTo }),
      ...(attachment !== undefined && { attachment }),
      ...(automatic && { automatic }),
    };
    entry.resolve(message);
    return message;
  }

  /** Settles a message with a refusal for good. */
  refuse(id: string, error: ChatError): void {
    this.#remove(id)?.reject(error);
    if (this.#entries.size === 0) this.#oneAtATime = false;
  }

  /** Holds a message back after a transient refusal, with all messages behind it. */
  postpone(id: string, error: ChatError, now: number): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#clearInFlight(entry);
    entry.mayBeAccepted = false;
    // Messages that were sent together are refused together: that counts as one failure.
    if (now >= this.#heldUntil) this.#heldUntil = now + (error.retryAfterMs ?? this.#backoff.next());
    this.#oneAtATime = true;
  }

  /** Returns all messages in flight to the queue, to be sent again. */
  onLinkLost(): void {
    for (const entry of this.#entries.values()) this.#clearInFlight(entry);
  }

  /** Refuses all messages, those with a lost reply by an {@link UnknownOutcome}. */
  close(error: ChatError): void {
    for (const { id, mayBeAccepted } of [...this.#entries.values()]) {
      this.refuse(id, mayBeAccepted ? UnknownOutcome.ofMessage(error) : error);
    }
  }

  #remove(id: string): PendingEntry | undefined {
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    this.#clearInFlight(entry);
    this.#entries.delete(id);
    return entry;
  }

  #clearInFlight(entry: PendingEntry): void {
    if (!entry.inFlight) return;
    entry.inFlight = false;
    this.#inFlight--;
    this.#inFlightBytes -= entry.bytes;
  }
}
