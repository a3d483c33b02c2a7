import type { DatabaseSync } from "node:sqlite";
import { indexForm } from "../../shared/index_form.ts";

/**
 * Empties an index with words of another form, which is then filled anew: deleting a message from it by words of this
 * form would leave some of its words findable. The connection overwrites deleted words.
 */
export function renewIndex(connection: DatabaseSync): void {
  const { form } = connection.prepare("SELECT form FROM search_cursor WHERE one = 1").get() as { form: string };
  const present = indexForm();
  if (form === present) return;
  connection.exec("BEGIN IMMEDIATE");
  try {
    connection.exec("INSERT INTO search_index (search_index) VALUES ('delete-all')");
    connection.prepare("UPDATE search_cursor SET position = 0, form = ?").run(present);
    connection.exec("COMMIT");
  } catch (error) {
    if (connection.isTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}
