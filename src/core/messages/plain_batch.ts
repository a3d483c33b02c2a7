import type { Message } from "./message.ts";
import { idOfBytes, putIdBytes } from "./message_id_bytes.ts";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Most messages in a batch: a commit of that many takes some 10 ms. */
const maxMessages = 2_048;
/** Most messages in a batch that a store writes itself: to hand over a few to a thread takes longer. */
export const maxDirectMessages = 8;
/** Most bytes in a batch, which has room for hundreds of the longest records. */
export const maxBatchBytes = 2 * 1024 * 1024;
const initialBytes = 16 * 1024;

/** The numbers at the start of a record, each a 64-bit float in the byte order of the machine, in units of 8 bytes. */
export const recordWord = {
  /** Length of the text in bytes. */
  textLength: 0,
  /** Milliseconds since the Unix epoch. */
  acceptedAt: 1,
  /** Set by the store, as are the words after it. */
  seq: 2,
  /** Events among the entries of the conversation so far. */
  uncounted: 3,
  /** The store's key of the conversation. */
  conversation: 4,
  /** The store's key of the sender. */
  sender: 5,
} as const;
/** Where the 16 bytes of the id begin. */
export const recordIdAt = 48;
/** Where the text begins. It ends with zeros up to a multiple of 8 bytes. */
export const recordTextAt = 64;

/** Returns the length of a record, in bytes. */
export function recordLength(textLength: number): number {
  return recordTextAt + (textLength + 7 & ~7);
}

/** The sender and the destination of plain messages. */
export interface PlainRoute {
  readonly sender: string;
  readonly conversation: string;
}

/** A request to send a plain message, whose id and text are ranges of the frame that it came in. */
export interface PlainRequest<Route extends PlainRoute, Session> {
  readonly route: Route;
  /** The session that gets the reply. */
  readonly session: Session;
  readonly requestId: number;
  readonly frame: Uint8Array;
  /** Where the id begins, in canonical text and lower case. */
  readonly idAt: number;
  /** Where the text begins and ends. */
  readonly textAt: number;
  readonly textEnd: number;
}

/**
 * Plain messages that are committed together, in the order of the log. Each is a record of bytes that a store can pass to
 * another thread as it is, because objects for each message would cost more than storing it.
 */
export class PlainBatch<Route extends PlainRoute = PlainRoute, Session = unknown> {
  /** The destination of each message. */
  readonly routes: Route[] = [];
  /** The session that sent each message. */
  readonly sessions: Session[] = [];
  /** The id of each request in its session. */
  readonly requestIds: number[] = [];
  /** Where each record begins, in bytes. */
  readonly offsets: number[] = [];
  /** The position of the first message; set by the store. The others follow without a gap. */
  firstPosition = 0;
  #bytes: Uint8Array<ArrayBuffer>;
  #words: Float64Array<ArrayBuffer>;
  #size = 0;

  /** @param expectedBytes memory to begin with, which grows as needed */
  constructor(expectedBytes = initialBytes) {
    this.#bytes = new Uint8Array(expectedBytes + 7 & ~7);
    this.#words = new Float64Array(this.#bytes.buffer);
  }

  get count(): number {
    return this.routes.length;
  }

  /** Reports whether a message with a text of this length has room. */
  hasRoom(textLength: number): boolean {
    return this.count < maxMessages && this.#size + recordLength(textLength) <= maxBatchBytes;
  }

  /** The records, one after the other. Valid until the next message is added. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#size);
  }

  /** The same memory as `bytes`, as numbers: see {@link recordWord}. */
  get words(): Float64Array<ArrayBuffer> {
    return this.#words;
  }

  /** Adds a message, accepted at a time in milliseconds since the Unix epoch. There must be room for it. */
  add(request: PlainRequest<Route, Session>, acceptedAt: number): void {
    const { route, session, requestId, frame, idAt, textAt, textEnd } = request;
    const length = textEnd - textAt;
    const at = this.#size;
    const end = at + recordLength(length);
    if (end > this.#bytes.length) this.#grow(end);
    const bytes = this.#bytes;
    this.#words[at / 8 + recordWord.textLength] = length;
    this.#words[at / 8 + recordWord.acceptedAt] = acceptedAt;
    putIdBytes(bytes, at + recordIdAt, frame, idAt);
    bytes.set(frame.subarray(textAt, textEnd), at + recordTextAt);
    this.#size = end;
    this.routes.push(route);
    this.sessions.push(session);
    this.requestIds.push(requestId);
    this.offsets.push(at);
  }

  /** Returns the number of a message, counted in its conversation. Set by the store. */
  seq(index: number): number {
    return this.#words[this.offsets[index] / 8 + recordWord.seq];
  }

  acceptedAt(index: number): number {
    return this.#words[this.offsets[index] / 8 + recordWord.acceptedAt];
  }

  /** Returns the number of a message in its conversation, without events. Set by the store. */
  ordinal(index: number): number {
    const at = this.offsets[index] / 8;
    return this.#words[at + recordWord.seq] - this.#words[at + recordWord.uncounted];
  }

  idBytes(index: number): Uint8Array {
    const at = this.offsets[index] + recordIdAt;
    return this.#bytes.subarray(at, at + 16);
  }

  textBytes(index: number): Uint8Array {
    const at = this.offsets[index];
    const textAt = at + recordTextAt;
    return this.#bytes.subarray(textAt, textAt + this.#words[at / 8 + recordWord.textLength]);
  }

  /** Returns a stored message. */
  message(index: number): PlainMessage {
    return new PlainMessage(this, index);
  }

  #grow(size: number): void {
    const bytes = new Uint8Array(Math.max(this.#bytes.length * 2, size + 7 & ~7));
    bytes.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = bytes;
    this.#words = new Float64Array(bytes.buffer);
  }
}

/** A message of a batch, after the store has numbered it. */
export class PlainMessage implements Message {
  readonly #batch: PlainBatch;
  readonly #index: number;
  readonly conversation: string;
  readonly sender: string;
  readonly position: number;

  constructor(batch: PlainBatch, index: number) {
    this.#batch = batch;
    this.#index = index;
    const { conversation, sender } = batch.routes[index];
    this.conversation = conversation;
    this.sender = sender;
    this.position = batch.firstPosition + index;
  }

  get seq(): number {
    return this.#batch.seq(this.#index);
  }

  get ordinal(): number {
    return this.#batch.ordinal(this.#index);
  }

  get acceptedAt(): number {
    return this.#batch.acceptedAt(this.#index);
  }

  get id(): string {
    return idOfBytes(this.idBytes);
  }

  get text(): string {
    return utf8.decode(this.textBytes);
  }

  /** The 16 bytes of the id. */
  get idBytes(): Uint8Array {
    return this.#batch.idBytes(this.#index);
  }

  /** The text in UTF-8. */
  get textBytes(): Uint8Array {
    return this.#batch.textBytes(this.#index);
  }
}
