import { pathExists } from "../../../src/host/path_exists.ts";
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

/** Whether a data folder has the content of a file. */
export function hasContent(folder: string, sha256: string): boolean {
  return pathExists(`${folder}/files/${sha256.slice(0, 2)}/${sha256}`);
}
