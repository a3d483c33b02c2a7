import { Buffer } from "node:buffer";
import { writeUint32 } from "./frames.ts";
import type { Octets } from "./octets.ts";

/**
 * Octets before each message: whether it is compressed, and its length (gRPC over HTTP/2, "Length-Prefixed-Message").
 */
const prefixBytes = 5;

/** The messages of a call cannot be read. */
export class MessageError extends Error {
  override readonly name = "MessageError";
  constructor(readonly kind: "too long" | "compressed" | "malformed", message: string) {
    super(message);
  }
}

/** Returns a copy of a message with its prefix. */
export function frameMessage(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(prefixBytes + message.length);
  putPrefix(framed, 0, message.length);
  framed.set(message, prefixBytes);
  return framed;
}

/** A message with its prefix, encoded when it leaves. */
export class FramedMessage implements Octets {
  readonly #message: Octets;

  constructor(message: Octets) {
    this.#message = message;
  }

  get length(): number {
    return prefixBytes + this.#message.length;
  }

  copyTo(target: Uint8Array, at: number): void {
    putPrefix(target, at, this.#message.length);
    this.#message.copyTo(target, at + prefixBytes);
  }
}

function putPrefix(target: Uint8Array, at: number, length: number): void {
  target[at] = 0;
  writeUint32(target, { at: at + 1, value: length });
}

/** Initial buffer of a message: an announced message that never arrives costs no more. */
const firstBytes = 1_024;

/**
 * Pieces in which a message may arrive, plus one for each KiB of the longest message. Clients and proxies do not cut
 * smaller ones, and each piece costs the time of a frame.
 */
export const basePieces = 256;

/**
 * Assembles messages from DATA. Holds at most twice the octets received of one message, and nothing between messages.
 */
export class MessageReader {
  readonly #maxBytes: number;
  /**
   * Octets of the prefix that were read: the first one tells whether the message is compressed, the others are its
   * length.
   */
  #prefixFilled = 0;
  #compression = 0;
  #length = 0;
  #message: Uint8Array | undefined;
  #filled = 0;
  /** Pieces of the message received so far. */
  #pieces = 0;

  /** Creates a reader. @param maxBytes largest message */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Octets of an incomplete message. */
  get heldBytes(): number {
    return this.#prefixFilled + this.#filled;
  }

  /**
   * Reads octets, and passes each whole message to `onMessage`; a message is valid during that call.
   * @throws {MessageError} for a message that is too long, compressed, or in too many pieces
   */
  read(data: Uint8Array, onMessage: (message: Uint8Array) => void): void {
    let at = 0;
    while (at < data.length) {
      at += this.#fillPrefix(data, at);
      if (this.#prefixFilled < prefixBytes) return this.#countPiece();
      const length = this.#messageLength();
      if (this.#message === undefined && data.length - at >= length) {
        this.#prefixFilled = this.#pieces = 0;
        onMessage(data.subarray(at, at + length));
        at += length;
        continue;
      }
      at += this.#fillMessage(data, { at, length });
      if (this.#filled < length) return this.#countPiece();
      const message = this.#message!;
      this.#message = undefined;
      this.#filled = this.#prefixFilled = this.#pieces = 0;
      onMessage(message);
    }
  }

  #countPiece(): void {
    if (++this.#pieces <= basePieces + this.#maxBytes / 1_024) return;
    throw new MessageError("malformed", "A message arrives in too many pieces.");
  }

  #fillPrefix(data: Uint8Array, at: number): number {
    const taken = Math.min(prefixBytes - this.#prefixFilled, data.length - at);
    if (taken === 0) return 0;
    for (const octet of data.subarray(at, at + taken)) {
      if (this.#prefixFilled++ === 0) {
        this.#compression = octet;
        this.#length = 0;
      } else {
        this.#length = this.#length * 256 + octet;
      }
    }
    return taken;
  }

  #messageLength(): number {
    const length = this.#length;
    if (length > this.#maxBytes) {
      throw new MessageError("too long", `Received message larger than max (${length} vs ${this.#maxBytes})`);
    }
    if (this.#compression === 1) {
      throw new MessageError("compressed", "Compressed messages are not supported: send them uncompressed.");
    }
    if (this.#compression !== 0) {
      throw new MessageError("malformed", "The compression flag of a message is neither 0 nor 1.");
    }
    return length;
  }

  #fillMessage(data: Uint8Array, { at, length }: { at: number; length: number }): number {
    const taken = Math.min(length - this.#filled, data.length - at);
    this.#makeRoom(this.#filled + taken, length);
    this.#message!.set(data.subarray(at, at + taken), this.#filled);
    this.#filled += taken;
    return taken;
  }

  /** Grows the buffer to hold `bytes` of the `length` octets of the message. */
  #makeRoom(bytes: number, length: number): void {
    const message = this.#message;
    const size = message?.length ?? 0;
    if (message !== undefined && bytes <= size) return;
    this.#message = Buffer.allocUnsafeSlow(Math.min(Math.max(bytes, 2 * size, firstBytes), length));
    if (message !== undefined) this.#message.set(message);
  }
}
