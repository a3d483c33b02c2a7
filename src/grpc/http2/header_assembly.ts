import { Buffer } from "node:buffer";
import { ConnectionError, ErrorCode } from "./errors.ts";
import { Flag, type Frame, FrameType, withoutPadding } from "./frames.ts";

/** Longest encoded header block, in octets. */
export const maxBlockBytes = 16_384;
/** CONTINUATION frames that a block may have (CVE-2024-27316). */
export const maxContinuations = 8;
const priorityBytes = 5;

export interface HeaderBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  /** Valid until the next frame. */
  readonly block: Uint8Array;
}

/** Joins the fragments of header blocks in HEADERS and CONTINUATION frames (RFC 9113, section 6.10). */
export class HeaderAssembly {
  #open: { streamId: number; endStream: boolean; parts: Uint8Array[]; bytes: number } | undefined;

  /** Checks that a frame does not interrupt a block. @throws {ConnectionError} PROTOCOL_ERROR */
  expect({ type, streamId }: Frame): void {
    if (this.#open === undefined) {
      if (type === FrameType.continuation) {
        throw new ConnectionError(ErrorCode.protocolError, "CONTINUATION without HEADERS.");
      }
    } else if (type !== FrameType.continuation || streamId !== this.#open.streamId) {
      throw new ConnectionError(ErrorCode.protocolError, "A frame interrupts a header block.");
    }
  }

  /**
   * Receives a HEADERS frame.
   * @returns its block when it is whole
   * @throws {ConnectionError} FRAME_SIZE_ERROR, PROTOCOL_ERROR
   */
  begin(frame: Frame): HeaderBlock | undefined {
    const { flags, streamId } = frame;
    let block = withoutPadding(frame);
    if (flags & Flag.priority) {
      if (block.length < priorityBytes) {
        throw new ConnectionError(ErrorCode.frameSizeError, "HEADERS has an incomplete priority.");
      }
      // RFC 9113, section 5.3.2: priorities are ignored.
      block = block.subarray(priorityBytes);
    }
    const endStream = (flags & Flag.endStream) !== 0;
    if (flags & Flag.endHeaders) return { streamId, endStream, block };
    this.#open = { streamId, endStream, parts: [block.slice()], bytes: block.length };
    return undefined;
  }

  /** Receives a CONTINUATION frame. @returns the block when it is whole @throws {ConnectionError} ENHANCE_YOUR_CALM */
  resume({ flags, payload }: Frame): HeaderBlock | undefined {
    const open = this.#open!;
    open.bytes += payload.length;
    if (open.bytes > maxBlockBytes || open.parts.length > maxContinuations) {
      throw new ConnectionError(ErrorCode.enhanceYourCalm, "A header block is too long.");
    }
    open.parts.push(payload.slice());
    if ((flags & Flag.endHeaders) === 0) return undefined;
    this.#open = undefined;
    return { streamId: open.streamId, endStream: open.endStream, block: Buffer.concat(open.parts) };
  }
}
