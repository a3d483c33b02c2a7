import { ServerFrame } from "../gen/chatd/v1/session.ts";
import { decodeStrictly } from "../wire/strict_reader.ts";

/** A frame of the server. */
export interface ReceivedFrame extends ServerFrame {
  /** Length on the wire, in bytes. */
  readonly bytes: number;
}

/**
 * Decodes a frame; byte strings in it are parts of `bytes`.
 * @throws {ChatError} `invalid_argument` when they are malformed
 */
export function decodeFrame(bytes: Uint8Array): ReceivedFrame {
  return { ...decodeStrictly(ServerFrame, bytes), bytes: bytes.length };
}
