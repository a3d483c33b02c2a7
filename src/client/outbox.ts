import type { ChatError } from "../core/chat_error.ts";
import type { Accepted, Attachment, Message } from "../core/messages/message.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";

/** A message on its way to the server. */
export interface OutboxEntry {
  /** UUIDv7; the same in every try. */
  readonly id: string;
  readonly to: string;
  readonly text: string;
  /** The seq of what it answers. */
  readonly replyTo?: number;
  /** Of a finished upload, and what it is. */
  readonly uploadId?: string;
  readonly attachment?: Attachment;
  /** A program wrote it in answer to something. */
  readonly automatic?: boolean;
  /** Size of its request in a frame, in bytes. */
  readonly bytes: number;
}

interface PendingEntry extends OutboxEntry {
  inFlight: boolean;
  resolve(message: Message): void;
  reject(error: ChatError): void;
}

export interface OutboxOptions {
  /** Messages sent and not replied to. Default 64. */
  maxMessages?: number;
  /** Bytes sent and not replied to; one message is always allowed. Default 128 KiB. */
  maxBytes?: number;
  /** How long refused messages wait when the server does not say. */
  backoff?: BackoffOptions;
}

/**
 * Keeps messages in the order of their sending until each is accepted or refused for good; it lives longer than a
 * session, so what was sent and not replied to is sent again with the same id.
 *
 * After a refusal that may pass, messages go one at a time until none is left: with several on their way, one that is
 * refused would be overtaken by those behind it.
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

  /** Messages without a final reply. */
  get size(): number {
    return this.#entries.size;
  }

  /** Resolves when the server has accepted it. @throws {ChatError} when it refused it for good. */
  add(entry: OutboxEntry): Promise<Message> {
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    this.#entries.set(entry.id, { ...entry, inFlight: false, resolve, reject });
    return promise;
  }

  find(id: string): OutboxEntry | undefined {
    return this.#entries.get(id);
  }

  /** Marks as sent, and returns, what may go out now. */
  takeReady(now: number): OutboxEntry[] {
    if (now < this.#heldUntil) return [];
    const ready: OutboxEntry[] = [];
    const maxMessages = this.#oneAtATime ? 1 : this.#maxMessages;
    for (const entry of this.#entries.values()) {
      if (this.#inFlight >= maxMessages) break;
      if (entry.inFlight) continue;
      if (this.#inFlight > 0 && this.#inFlightBytes + entry.bytes > this.#maxBytes) break;
      entry.inFlight = true;
      this.#inFlight++;
      this.#inFlightBytes += entry.bytes;
      ready.push(entry);
    }
    return ready;
  }

  /** How long {@link takeReady} has nothing because of a refusal, in milliseconds. */
  heldMs(now: number): number {
    return this.#entries.size > 0 ? Math.max(0, this.#heldUntil - now) : 0;
  }

  /** @returns the message as it is in the log, but for its ordinal, which is 0; undefined when it has been settled before. */
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

  refuse(id: string, error: ChatError): void {
    this.#remove(id)?.reject(error);
    if (this.#entries.size === 0) this.#oneAtATime = false;
  }

  /** Sends it again later, and everything behind it not earlier. */
  postpone(id: string, error: ChatError, now: number): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#clearInFlight(entry);
    // Those sent together are refused together: that is one failure.
    if (now >= this.#heldUntil) this.#heldUntil = now + (error.retryAfterMs ?? this.#backoff.next());
    this.#oneAtATime = true;
  }

  /** Everything on its way is to be sent again. */
  onLinkLost(): void {
    for (const entry of this.#entries.values()) this.#clearInFlight(entry);
  }

  /** Refuses everything. */
  close(error: ChatError): void {
    for (const id of [...this.#entries.keys()]) this.refuse(id, error);
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
