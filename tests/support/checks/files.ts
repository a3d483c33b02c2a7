import type { FileSource } from "../../../src/client/file_transfer.ts";

/** The SHA-256 of bytes. */
export async function sha256Of(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice()));
}

export function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes;
}

/** A file of these bytes. */
export function sourceOf(bytes: Uint8Array): FileSource {
  const read = (offset: number, maxBytes: number) => Promise.resolve(bytes.slice(offset, offset + maxBytes));
  return { name: "notes.txt", mediaType: "text/plain", size: bytes.length, read };
}
