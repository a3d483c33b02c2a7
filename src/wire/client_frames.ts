import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { ClientFrame } from "../gen/chatd/v1/session.ts";

const requestsTag = (1 << 3) | 2;
const idTag = (1 << 3) | 0;
const ackTag = (3 << 3) | 2;
const receiptTag = (1 << 3) | 5;
/** Size of an acknowledgement: tag, length, and the receipt of four bytes with its tag. */
const ackBytes = 7;
/** Size of the longest id that is read here, of 49 bits. */
const maxIdBytes = 7;

/**
 * Returns the receipt of a frame that is one acknowledgement, as most frames of receivers are; 0 for every other frame,
 * and for an acknowledgement that is encoded in an unusual way.
 */
export function readLoneReceipt(frame: Uint8Array): number {
  const { length } = frame;
  const at = length - ackBytes;
  if (at < 2 || at > 3 + maxIdBytes || frame[0] !== requestsTag || frame[1] !== length - 2) return 0;
  if (frame[at] !== ackTag || frame[at + 1] !== ackBytes - 2 || frame[at + 2] !== receiptTag) return 0;
  if (at > 2 && !isId(frame, at)) return 0;
  return (frame[at + 3] | frame[at + 4] << 8 | frame[at + 5] << 16 | frame[at + 6] << 24) >>> 0;
}

/** Reports whether the bytes of a frame from its first request to `end` are one id. */
function isId(frame: Uint8Array, end: number): boolean {
  if (frame[2] !== idTag || end === 3) return false;
  for (let at = 3; at < end - 1; at++) if (frame[at] < 0x80) return false;
  return frame[end - 1] < 0x80;
}

/** Keeps its memory between frames: growing a new one takes half the time of encoding. */
let writer = new BinaryWriter();

/** Encodes a frame as the generated code does. */
export function encodeClientFrame(frame: ClientFrame): Uint8Array<ArrayBuffer> {
  try {
    return ClientFrame.encode(frame, writer).finish();
  } catch (error) {
    // The writer holds half a frame.
    writer = new BinaryWriter();
    throw error;
  }
}
