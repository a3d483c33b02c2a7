import type { DatabaseSync } from "node:sqlite";
import process from "node:process";

/**
 * The form of the words in the index: `searchableText` as it is now, with this runtime's tables of Unicode. Raise the
 * number when that function changes.
 */
export const indexForm = `1, Unicode ${process.versions.unicode}`;

/**
 * Empties an index with words of another form, which is then filled anew: deleting a message from it by words of this
 * form would leave some of its words findable. The connection overwrites deleted words.
 */
export function renewIndex(connection: DatabaseSync): void {
  const { form } = connection.prepare("SELECT form FROM search_cursor WHERE one = 1").get() as { form: string };
  if (form === indexForm) return;
  connection.exec("BEGIN IMMEDIATE");
  try {
    connection.exec("INSERT INTO search_index (search_index) VALUES ('delete-all')");
    connection.prepare("UPDATE search_cursor SET position = 0, form = ?").run(indexForm);
    connection.exec("COMMIT");
  } catch (error) {
    if (connection.isTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}
