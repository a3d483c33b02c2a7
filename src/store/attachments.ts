import type { Attachment } from "../core/file_store.ts";
import { decodeId, encodeId } from "./column_values.ts";
import type { Database } from "./database.ts";

interface AttachmentRow {
  name: string;
  media_type: string;
  size: number;
  sha256: Uint8Array;
}

function prepareStatements(database: Database) {
  return {
    attach: database.prepare(
      `UPDATE file SET position = ? WHERE owner = ? AND id = ? AND complete = 1 AND position IS NULL
       RETURNING name, media_type, size, sha256`,
    ),
    at: database.prepare("SELECT name, media_type, size, sha256 FROM file WHERE position = ?"),
    uploadAt: database.prepare("SELECT id FROM file WHERE position = ?"),
    removeAt: database.prepare("DELETE FROM file WHERE position = ?"),
  };
}

/** Which entries of the log have files. */
export class Attachments {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(database: Database) {
    this.#statements = prepareStatements(database);
  }

  /** Makes a complete upload the file of an entry that is in the log; undefined, having done nothing, when there is none to be had. */
  attach(position: number, upload: { owner: number; id: string }): Attachment | undefined {
    return toAttachment(this.#statements.attach.get(position, upload.owner, encodeId(upload.id)));
  }

  at(position: number): Attachment | undefined {
    return toAttachment(this.#statements.at.get(position));
  }

  /** The id of the upload that the entry was sent with. */
  uploadAt(position: number): string | undefined {
    const row = this.#statements.uploadAt.get(position) as { id: Uint8Array } | undefined;
    return row && decodeId(row.id);
  }

  /** Takes the entry's file away. Its content goes with {@link FileStore.removeUnheld} if no other has it. */
  removeAt(position: number): void {
    this.#statements.removeAt.run(position);
  }
}

function toAttachment(found: unknown): Attachment | undefined {
  if (!found) return undefined;
  const { name, media_type: mediaType, size, sha256 } = found as AttachmentRow;
  return { name, mediaType, size, sha256: sha256.toHex() };
}
