import type { DatabaseSync } from "node:sqlite";

/**
 * The form of the words in the index: `searchableText` as it is now, with this runtime's tables of Unicode. Raise the
 * number when that function changes.
 */
let indexForm: string | undefined;

/**
 * Counts the characters of this runtime's version of Unicode, which tells versions apart: each adds blocks of characters.
 * Blocks begin at multiples of 16, so only these are counted; the planes from 4 on have got no characters since Unicode
 * 4.0. `process.versions` of Deno 2.9 names Unicode 17, but its regular expressions have the tables of Unicode 16.
 */
function countCharacters(): number {
  const unassigned = /\p{Cn}/u;
  let count = 0;
  for (let code = 0; code < 0x40000; code += 16) if (!unassigned.test(String.fromCodePoint(code))) count += 1;
  return count;
}

/**
 * Empties an index with words of another form, which is then filled anew: deleting a message from it by words of this
 * form would leave some of its words findable. The connection overwrites deleted words.
 */
export function renewIndex(connection: DatabaseSync): void {
  const { form } = connection.prepare("SELECT form FROM search_cursor WHERE one = 1").get() as { form: string };
  indexForm ??= `1, ${countCharacters()} characters`;
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
