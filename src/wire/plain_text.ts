import { isUtf8 } from "node:buffer";
import { isVisibleText } from "../core/messages/message.ts";

/** Longest plain text, in bytes: as each takes at most six in JSON, no other limit of a text applies. */
const maxPlainBytes = 8 * 1024;
const at = 0x40;
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reports whether the bytes of a frame from `from` to `to` are the text of a plain message: valid UTF-8, within all
 * limits, visible, and without "@", which may mention a member. Any other text may be valid, too.
 */
export function isPlainText(frame: Uint8Array, from: number, to: number): boolean {
  if (from === to || to - from > maxPlainBytes) return false;
  let all = 0;
  let isPrintable = false;
  for (let index = from; index < to; index++) {
    const byte = frame[index];
    if (byte === at) return false;
    if (byte > 0x20 && byte < 0x7f) isPrintable = true;
    all |= byte;
  }
  const text = frame.subarray(from, to);
  if (all >= 0x80 && !isUtf8(text)) return false;
  return isPrintable || isVisibleText(utf8.decode(text));
}
