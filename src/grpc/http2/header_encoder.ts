import { Buffer } from "node:buffer";
import { staticIndex } from "./header_table.ts";
import { encodeHuffman, huffmanLength } from "./huffman.ts";

/** First octet of a connection's first block: the encoder sets its dynamic table to size 0 (RFC 7541, section 6.3). */
export const noDynamicTable = Uint8Array.of(0x20);

/**
 * Encodes a header block with the static table alone (RFC 7541, section 6). The encoder has no state: an encoded block
 * is valid on every connection whose first block began with {@link noDynamicTable}. Fields named in `secret` are marked
 * as never to be indexed.
 * @param fields names in lowercase; values with one character for each byte (latin1)
 */
export function encodeHeaders(
  fields: Iterable<readonly [name: string, value: string]>,
  { secret = new Set<string>() }: { secret?: ReadonlySet<string> } = {},
): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, value] of fields) {
    const exact = staticIndex(name, value);
    if (exact > 0) {
      parts.push(encodeInteger(0x80, { prefixBits: 7, value: exact }));
      continue;
    }
    const index = staticIndex(name);
    parts.push(encodeInteger(secret.has(name) ? 0x10 : 0x00, { prefixBits: 4, value: index }));
    if (index === 0) parts.push(...encodeString(name));
    parts.push(...encodeString(value));
  }
  return Buffer.concat(parts);
}

function encodeString(text: string): [length: Uint8Array, text: Uint8Array] {
  const coded = huffmanLength(text);
  if (coded >= text.length) {
    return [encodeInteger(0x00, { prefixBits: 7, value: text.length }), Buffer.from(text, "latin1")];
  }
  return [encodeInteger(0x80, { prefixBits: 7, value: coded }), encodeHuffman(text)];
}

/** Encodes an integer (RFC 7541, section 5.1). @param first the bits before the prefix */
function encodeInteger(first: number, { prefixBits, value }: { prefixBits: number; value: number }): Uint8Array {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) return Uint8Array.of(first | value);
  const bytes = [first | mask];
  let rest = value - mask;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push(rest % 0x80 | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
