const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Text as a BLOB of UTF-8. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** A UUID in canonical text as its 16 bytes, which sort in the same order. */
export function encodeId(id: string): Uint8Array {
  return Uint8Array.fromHex(id.replaceAll("-", ""));
}

export function decodeId(bytes: Uint8Array): string {
  return idOfHex(bytes.toHex());
}

/** The UUID of 32 hexadecimal digits. A statement that gives many ids gives them so: node:sqlite makes a string in less time than a BLOB. */
export function idOfHex(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Runs `work` now, and gives its result or error as a promise does. */
export function settle<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
