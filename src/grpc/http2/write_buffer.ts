import { Buffer } from "node:buffer";
import { frameHeaderBytes, FrameType, minMaxFrameBytes, putFrameHeader } from "./frames.ts";
import { type Data, putData } from "./octets.ts";

/** Octets of a write from which no further frame is joined to it. */
export const joinedBytes = 128 * 1024;

/** Size of the memory of a write, in octets: the last frame begins before {@link joinedBytes}. */
const bufferBytes = joinedBytes + frameHeaderBytes + minMaxFrameBytes;

/** The destination of a write. */
export interface WriteTarget {
  /** Whether the octets of the last write are still in use, or those of the next one may be. */
  readonly keepsOctets: boolean;
  /** Writes octets. @returns false when further writes should wait */
  write(octets: Uint8Array): boolean;
}

/** Ready for the next write; all connections share it, because writes rarely overlap. */
let spare: WriteBuffer | undefined;

/** The frames of one write, each encoded where it leaves. An idle connection has none. */
export class WriteBuffer {
  #bytes = Buffer.allocUnsafeSlow(bufferBytes);
  #length = 0;

  /** Returns an empty buffer, to be given back by {@link writeTo}. */
  static take(): WriteBuffer {
    const buffer = spare ?? new WriteBuffer();
    spare = undefined;
    return buffer;
  }

  /** Octets of the added frames. */
  get length(): number {
    return this.#length;
  }

  /** Adds a whole frame. */
  add(frame: Uint8Array): void {
    const at = this.#reserve(frame.length);
    this.#bytes.set(frame, at);
  }

  /** Adds a DATA frame of at most 16,384 octets. */
  addData(data: Data, { streamId, flags }: { streamId: number; flags: number }): void {
    const { length } = data;
    const at = this.#reserve(frameHeaderBytes + length);
    putFrameHeader(this.#bytes, at, { length, type: FrameType.data, flags, streamId });
    putData(data, this.#bytes, at + frameHeaderBytes);
  }

  /**
   * Writes the frames, if there are any, and gives the buffer back: to the next write, or to the target if that keeps
   * the octets.
   * @returns false when further writes should wait
   */
  writeTo(target: WriteTarget): boolean {
    const octets = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    let takesMore = true;
    if (octets.length > 0) {
      const isCopied = target.keepsOctets;
      takesMore = target.write(isCopied ? new Uint8Array(octets) : octets);
      if (!isCopied && target.keepsOctets) return takesMore;
    }
    if (this.#bytes.length === bufferBytes) spare = this;
    return takesMore;
  }

  #reserve(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) this.#grow();
    return at;
  }

  /** Makes room for more control frames than usual. */
  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(2 * this.#length);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
