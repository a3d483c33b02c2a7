import type { Attachment } from "../../../src/core/messages/message.ts";
import type { Database as PostgresDatabase } from "../../../src/store/postgres/connection/database.ts";
import { PostgresFileStore } from "../../../src/store/postgres/postgres_file_store.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import { Attachments } from "../../../src/store/sqlite/log/attachments.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteFileStore } from "../../../src/store/sqlite/sqlite_file_store.ts";
import type { AttachmentLog, OpenedFileStore } from "../../contract/file_store.ts";
import { temporaryFolder } from "../checks/temporary_folder.ts";
import { openEmptyDatabase } from "../databases/postgres_store.ts";
import { accept, directAppend, userRecord } from "./stored_messages.ts";

const users = ["ana", "ben", "cleo"];

/** Opens the stores in a folder, like a starting server. */
export function openFolder(folder: string) {
  const database = Database.open(folder);
  const files = new SqliteFileStore(database, { folder: `${folder}/files` });
  return { database, files, [Symbol.dispose]: () => database.close() };
}

/** Adds users and nine messages. */
export async function fillFolder(folder: string): Promise<void> {
  using database = Database.open(folder);
  const accounts = new SqliteAccountStore(database);
  for (const user of users) await accounts.addUser(userRecord(user));
  const messages = new SqliteMessageStore(database);
  for (let count = 0; count < 9; count++) await accept(messages, directAppend("ana", "ben"));
}

/** The log's side of files, as commits use it. */
export function attachmentsOf(database: Database): AttachmentLog {
  const attachments = new Attachments(database);
  const keyOf = database.prepare("SELECT id FROM user WHERE name = ?");
  return {
    attach(position, { owner, id }) {
      const upload = { owner: Number(keyOf.get(owner)?.id), id };
      return Promise.resolve(attachments.isReady(upload) ? attachments.attach(position, upload) : undefined);
    },
    at: (position) => Promise.resolve(attachments.at(position)),
    uploadAt: (position) => Promise.resolve(attachments.uploadAt(position)),
    removeAt: (seq) => Promise.resolve(attachments.removeAt(1, seq)),
  };
}

/** For the contract: a store in SQLite and a folder. */
export async function openFilesInFolder(): Promise<OpenedFileStore> {
  const folder = temporaryFolder();
  await fillFolder(folder.path);
  const opened = openFolder(folder.path);
  const close = () => {
    opened[Symbol.dispose]();
    folder[Symbol.dispose]();
  };
  return { files: opened.files, attachments: attachmentsOf(opened.database), close };
}

/** For the contract: a store in PostgreSQL. */
export async function openFilesInPostgres() {
  const database = await openEmptyDatabase();
  await database.write(
    `INSERT INTO "user" (id, name, password_hash, disabled, created_at)
     SELECT n, name, '', 0, 1 FROM unnest($1::text[]) WITH ORDINALITY AS u (name, n)`,
    [users],
  );
  await database.write("INSERT INTO conversation (id, name) VALUES (1, 'ana:ben')");
  await database.write(
    `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text)
     SELECT n, 1, n, 1, gen_random_uuid(), n, 'hello' FROM generate_series(1, 9) n`,
  );
  const files = new PostgresFileStore(database);
  return { database, files, attachments: attachmentsIn(database), close: () => database.close() };
}

/** The log's side of files in PostgreSQL, by the statements of commits. */
function attachmentsIn(database: PostgresDatabase): AttachmentLog {
  interface Row {
    readonly id: string;
    readonly name: string;
    readonly media_type: string;
    readonly size: number;
    readonly sha256: Uint8Array;
  }
  const toAttachment = ([row]: Row[]): Attachment | undefined =>
    row && { name: row.name, mediaType: row.media_type, size: row.size, sha256: row.sha256.toHex() };
  const rowsAt = (position: number) => database.read<Row>("SELECT * FROM file WHERE position = $1", [position]);
  return {
    async attach(position, { owner, id }) {
      const rows = await database.write<Row>(
        `UPDATE file SET position = $1 WHERE owner = (SELECT id FROM "user" WHERE name = $2) AND id = $3
         AND complete = 1 AND position IS NULL RETURNING *`,
        [position, owner, id],
      );
      if (rows.length > 0) await database.write("UPDATE entry SET file = 1 WHERE position = $1", [position]);
      return toAttachment(rows);
    },
    at: async (position) => toAttachment(await rowsAt(position)),
    uploadAt: async (position) => (await rowsAt(position))[0]?.id,
    async removeAt(position) {
      await database.write("DELETE FROM file WHERE position = $1", [position]);
    },
  };
}
