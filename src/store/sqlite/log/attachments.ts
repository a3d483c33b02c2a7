import type { Attachment } from "../../../core/messages/message.ts";
import { decodeId, encodeId } from "../column_values.ts";
import type { Database } from "../database.ts";

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
    mark: database.prepare("UPDATE entry SET file = 1 WHERE position = ?"),
    isReady: database.prepare(
      "SELECT 1 FROM file WHERE owner = ? AND id = ? AND complete = 1 AND position IS NULL",
    ),
    at: database.prepare("SELECT name, media_type, size, sha256 FROM file WHERE position = ?"),
    uploadAt: database.prepare("SELECT id FROM file WHERE position = ?"),
    removeAt: database.prepare(
      "DELETE FROM file WHERE position = (SELECT position FROM entry WHERE conversation = ? AND seq = ? AND file = 1)",
    ),
  };
}

/** Which entries of the log have files. */
export class Attachments {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(database: Database) {
    this.#statements = prepareStatements(database);
  }

  /** Whether an upload can become the file of an entry. */
  isReady({ owner, id }: { owner: number; id: string }): boolean {
    return this.#statements.isReady.get(owner, encodeId(id)) !== undefined;
  }

  /** Makes an upload that {@link isReady} the file of an entry that is in the log. */
  attach(position: number, { owner, id }: { owner: number; id: string }): Attachment {
    this.#statements.mark.run(position);
    return toAttachment(this.#statements.attach.get(position, owner, encodeId(id)))!;
  }

  at(position: number): Attachment | undefined {
    return toAttachment(this.#statements.at.get(position));
  }

  /** The id of the upload that the entry was sent with. */
  uploadAt(position: number): string | undefined {
    const row = this.#statements.uploadAt.get(position) as { id: Uint8Array } | undefined;
    return row && decodeId(row.id);
  }

  /** Takes the entry's file away, if it has one. Its content goes with `FileStore.removeUnheld` if no other has it. */
  removeAt(conversation: number, seq: number): void {
    this.#statements.removeAt.run(conversation, seq);
  }
}

function toAttachment(found: unknown): Attachment | undefined {
  if (!found) return undefined;
  const { name, media_type: mediaType, size, sha256 } = found as AttachmentRow;
  return { name, mediaType, size, sha256: sha256.toHex() };
}
