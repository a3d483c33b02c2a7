import { ConnectionError, ErrorCode } from "./errors.ts";
import { type Frame, frameHeaderBytes, minMaxFrameBytes, readUint31 } from "./frames.ts";

const noPreface = new Uint8Array();

/** Splits a stream of octets into frames. Holds at most one frame, and nothing between frames. */
export class FrameReader {
  /** Expected octets before the first frame. */
  #preface: Uint8Array;
  /** Buffer of an incomplete frame: for its header, and for the whole frame once its length is known. */
  #partial: Uint8Array | undefined;
  #filled = 0;

  /** @param preface octets before the first frame */
  constructor(preface: Uint8Array = noPreface) {
    this.#preface = preface;
  }

  /**
   * Reads a chunk, and passes each whole frame to `onFrame`; the payload is valid during that call.
   * @throws {ConnectionError} FRAME_SIZE_ERROR for a frame of more than 16,384 octets, PROTOCOL_ERROR for another
   * preface
   */
  read(chunk: Uint8Array, onFrame: (frame: Frame) => void): void {
    let at = this.#readPreface(chunk);
    while (at < chunk.length) {
      if (this.#partial !== undefined) at = this.#fill(chunk, { at, onFrame });
      else at = this.#readWhole(chunk, { at, onFrame });
    }
  }

  #readPreface(chunk: Uint8Array): number {
    const length = Math.min(this.#preface.length, chunk.length);
    for (let at = 0; at < length; at++) {
      if (chunk[at] !== this.#preface[at]) throw new ConnectionError(ErrorCode.protocolError, "This is not HTTP/2.");
    }
    this.#preface = length < this.#preface.length ? this.#preface.subarray(length) : noPreface;
    return length;
  }

  /** Reads a frame that is whole in the chunk, or begins a partial one. */
  #readWhole(chunk: Uint8Array, { at, onFrame }: { at: number; onFrame: (frame: Frame) => void }): number {
    const available = chunk.length - at;
    if (available >= frameHeaderBytes) {
      const end = at + frameHeaderBytes + payloadLength(chunk, at);
      if (end <= chunk.length) {
        onFrame(toFrame(chunk.subarray(at, end)));
        return end;
      }
      this.#partial = new Uint8Array(end - at);
    } else {
      this.#partial = new Uint8Array(frameHeaderBytes);
    }
    this.#partial.set(chunk.subarray(at));
    this.#filled = available;
    return chunk.length;
  }

  #fill(chunk: Uint8Array, { at, onFrame }: { at: number; onFrame: (frame: Frame) => void }): number {
    const partial = this.#partial!;
    const taken = Math.min(partial.length - this.#filled, chunk.length - at);
    partial.set(chunk.subarray(at, at + taken), this.#filled);
    this.#filled += taken;
    if (this.#filled < partial.length) return at + taken;
    const length = frameHeaderBytes + payloadLength(partial, 0);
    if (partial.length < length) {
      this.#partial = new Uint8Array(length);
      this.#partial.set(partial);
    } else {
      this.#partial = undefined;
      onFrame(toFrame(partial));
    }
    return at + taken;
  }
}

function payloadLength(bytes: Uint8Array, at: number): number {
  const length = bytes[at] << 16 | bytes[at + 1] << 8 | bytes[at + 2];
  if (length <= minMaxFrameBytes) return length;
  throw new ConnectionError(
    ErrorCode.frameSizeError,
    `A frame has ${length} octets; the limit is ${minMaxFrameBytes}.`,
  );
}

function toFrame(bytes: Uint8Array): Frame {
  return { type: bytes[3], flags: bytes[4], streamId: readUint31(bytes, 5), payload: bytes.subarray(frameHeaderBytes) };
}
