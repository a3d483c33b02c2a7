const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Encodes text as a BLOB of UTF-8. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Encodes a UUID in canonical form as its 16 bytes, which sort in the same order. */
export function encodeId(id: string): Uint8Array {
  return Uint8Array.fromHex(id.replaceAll("-", ""));
}

export function decodeId(bytes: Uint8Array): string {
  return idOfHex(bytes.toHex());
}

/**
 * Formats 32 hexadecimal digits as a UUID. Statements with many ids return digits, which node:sqlite reads faster than
 * BLOBs.
 */
export function idOfHex(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Runs `work` synchronously, and returns its result or error as a promise. */
export function settle<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
