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

/** Runs `work` synchronously, and returns its result or error as a promise. */
export function settle<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
