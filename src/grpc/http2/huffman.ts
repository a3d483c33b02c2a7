import { Buffer } from "node:buffer";

/**
 * Length of the code of each byte, then of EOS, in bits (RFC 7541, appendix B). The code is canonical: the lengths
 * determine it.
 */
// deno-fmt-ignore
const codeLengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const endOfString = 256;
const shortestCode = 5;
/** Padding is shorter than a byte (RFC 7541, section 5.2). */
const maxPaddingBits = 7;

/** Code of each symbol, in the low bits. */
const codes = canonicalCodes();

/** A node of the code's tree: the next node for each bit, or `~symbol`. */
type Node = [zero: number, one: number];

const root = 0;
const nodes = tree();
const emits = 1 << 16;
const fails = 1 << 17;
/**
 * For each node and the next four bits: the node after them, the symbol that they complete, if any, and the flags
 * above.
 */
const steps = fourBitSteps();
/** Nodes where a string may end: all bits since the last symbol are ones, the beginning of EOS. */
const mayEnd = paddingNodes();

function canonicalCodes(): Uint32Array {
  const symbols = codeLengths.map((_length, symbol) => symbol);
  symbols.sort((a, b) => codeLengths[a] - codeLengths[b] || a - b);
  const assigned = new Uint32Array(codeLengths.length);
  let code = 0;
  let length = shortestCode;
  for (const symbol of symbols) {
    code <<= codeLengths[symbol] - length;
    length = codeLengths[symbol];
    assigned[symbol] = code++;
  }
  return assigned;
}

function tree(): Node[] {
  const all: Node[] = [[0, 0]];
  codeLengths.forEach((length, symbol) => {
    let node = root;
    for (let bit = length - 1; bit > 0; bit--) {
      const side = codes[symbol] >>> bit & 1;
      if (all[node][side] === 0) all[node][side] = all.push([0, 0]) - 1;
      node = all[node][side];
    }
    all[node][codes[symbol] & 1] = ~symbol;
  });
  return all;
}

function fourBitSteps(): Int32Array {
  const table = new Int32Array(nodes.length * 16);
  for (let from = 0; from < nodes.length; from++) {
    for (let bits = 0; bits < 16; bits++) table[from * 16 + bits] = step(from, bits);
  }
  return table;
}

function step(from: number, bits: number): number {
  let node = from;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    node = nodes[node][bits >>> bit & 1];
    if (node >= 0) continue;
    const symbol = ~node;
    if (symbol === endOfString) return fails;
    emitted = emits | symbol << 8;
    node = root;
  }
  return node | emitted;
}

function paddingNodes(): Uint8Array {
  const ends = new Uint8Array(nodes.length);
  for (let node = root, bits = 0; bits <= maxPaddingBits; bits++) {
    ends[node] = 1;
    node = nodes[node][1];
  }
  return ends;
}

/**
 * Decodes a string, one character for each byte (latin1). The result is at most 8/5 as long as `bytes`.
 * @returns undefined when the string contains EOS or has invalid padding
 */
export function decodeHuffman(bytes: Uint8Array): string | undefined {
  const decoded = Buffer.allocUnsafe(Math.floor(bytes.length * 8 / shortestCode));
  let length = 0;
  let node = root;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    const high = steps[node * 16 + (byte >>> 4)];
    if (high & emits) decoded[length++] = high >>> 8;
    const low = steps[(high & 0xff) * 16 + (byte & 0xf)];
    if (low & emits) decoded[length++] = low >>> 8;
    if ((high | low) & fails) return undefined;
    node = low & 0xff;
  }
  return mayEnd[node] === 1 ? decoded.toString("latin1", 0, length) : undefined;
}

/** Returns the encoded length of `text`, in bytes; `text` has one character for each byte (latin1). */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let index = 0; index < text.length; index++) bits += codeLengths[text.charCodeAt(index)];
  return Math.ceil(bits / 8);
}

/** Encodes `text`, which has one character for each byte (latin1). */
export function encodeHuffman(text: string): Uint8Array {
  const encoded = new Uint8Array(huffmanLength(text));
  let at = 0;
  let pending = 0;
  let pendingBits = 0;
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index);
    for (let left = codeLengths[symbol]; left > 0;) {
      const taken = Math.min(left, 8 - pendingBits);
      left -= taken;
      pending = pending << taken | codes[symbol] >>> left & (1 << taken) - 1;
      pendingBits += taken;
      if (pendingBits < 8) continue;
      encoded[at++] = pending;
      pending = pendingBits = 0;
    }
  }
  if (pendingBits > 0) encoded[at] = pending << 8 - pendingBits | (1 << 8 - pendingBits) - 1;
  return encoded;
}
