import type { Attachment } from "../../../core/messages/message.ts";
import { idOfBytes } from "../../../core/messages/message_id_bytes.ts";
import { encodeId } from "../../shared/column_values.ts";
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

/** The files of log entries. */
export class Attachments {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(database: Database) {
    this.#statements = prepareStatements(database);
  }

  /** Whether an upload is complete and not attached yet. */
  isReady({ owner, id }: { owner: number; id: string }): boolean {
    return this.#statements.isReady.get(owner, encodeId(id)) !== undefined;
  }

  /** Attaches an upload that {@link isReady} to an entry in the log. */
  attach(position: number, { owner, id }: { owner: number; id: string }): Attachment {
    this.#statements.mark.run(position);
    return toAttachment(this.#statements.attach.get(position, owner, encodeId(id)))!;
  }

  at(position: number): Attachment | undefined {
    return toAttachment(this.#statements.at.get(position));
  }

  /** Returns the id of the upload that an entry was sent with. */
  uploadAt(position: number): string | undefined {
    const row = this.#statements.uploadAt.get(position) as { id: Uint8Array } | undefined;
    return row && idOfBytes(row.id);
  }

  /** Detaches an entry's file, if it has one. `FileStore.removeUnheld` removes contents that no other file has. */
  removeAt(conversation: number, seq: number): void {
    this.#statements.removeAt.run(conversation, seq);
  }
}

function toAttachment(found: unknown): Attachment | undefined {
  if (!found) return undefined;
  const { name, media_type: mediaType, size, sha256 } = found as AttachmentRow;
  return { name, mediaType, size, sha256: sha256.toHex() };
}
