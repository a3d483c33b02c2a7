import { createHash } from "node:crypto";
import { ContentFolder } from "../../files/content_folder.ts";
import type { Queries } from "../connection/connection.ts";
import { chunkBytes } from "../schema/functions/files.ts";

/** Chunks that one statement writes. */
const chunksPerStatement = 16;

interface HeldContent {
  readonly sha256: Uint8Array;
  readonly size: number;
  /** The key of one of its uploads. */
  readonly file: number;
}

/**
 * Copies the contents of the imported files from a folder of files, each verified by its hash.
 * @returns how many, and the hashes of those that are absent or damaged, whose files have no content then
 */
export async function importContents(
  target: Queries,
  folder: string,
): Promise<{ contents: number; missing: string[] }> {
  const files = new ContentFolder(folder);
  const held = await target.query<HeldContent>(
    "SELECT sha256, min(size) AS size, min(key) AS file FROM file WHERE complete = 1 GROUP BY sha256",
  );
  const missing: string[] = [];
  for (const content of held) {
    if (await copyContent(content, { files, target })) {
      await target.query("INSERT INTO content (sha256, file, size) VALUES ($1, $2, $3)", [
        content.sha256,
        content.file,
        content.size,
      ]);
    } else {
      await target.query("DELETE FROM chunk WHERE file = $1", [content.file]);
      missing.push(content.sha256.toHex());
    }
  }
  return { contents: held.length - missing.length, missing };
}

/** @returns whether the content is there as a whole */
async function copyContent(
  { sha256, size, file }: HeldContent,
  { files, target }: { files: ContentFolder; target: Queries },
): Promise<boolean> {
  const name = sha256.toHex();
  const hash = createHash("sha256");
  for (let offset = 0; offset < size;) {
    const some = await files.read(name, { offset, maxBytes: chunksPerStatement * chunkBytes });
    if (some === undefined || some.length === 0) return false;
    hash.update(some);
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < some.length; at += chunkBytes) chunks.push(some.subarray(at, at + chunkBytes));
    await target.query(
      `INSERT INTO chunk (file, number, bytes)
       SELECT $1, $2 + at - 1, bytes FROM unnest($3::bytea[]) WITH ORDINALITY AS given (bytes, at)`,
      [file, offset / chunkBytes, chunks],
    );
    offset += some.length;
  }
  return hash.digest("hex") === name;
}
