import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { recordIdAt, recordLength, recordTextAt, recordWord } from "../../../core/messages/plain_batch.ts";

const valuesOfRecord = 8;

/** Inserts the records of plain messages, numbered by the store, into the log. */
export class PlainRecords {
  readonly #group: number;
  readonly #insert: StatementSync;
  readonly #insertGroup: StatementSync;

  /**
   * @param group records that one statement inserts where there are as many. With more than one, a connection that
   * checks foreign keys or CHECK keeps a journal of each statement, which costs more than it saves.
   */
  constructor(connection: Pick<DatabaseSync, "prepare">, group = 1) {
    this.#group = group;
    this.#insert = connection.prepare(insertion(1));
    this.#insertGroup = connection.prepare(insertion(group));
  }

  /**
   * Inserts all records in `bytes`, which begins at a multiple of 8 in its buffer, in the caller's transaction.
   * @throws {Error} of SQLite, such as for an id that its sender used before
   */
  insert(bytes: Uint8Array<ArrayBuffer>, firstPosition: number): void {
    const words = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
    const values: SQLInputValue[] = [];
    let position = firstPosition;
    for (let at = 0; at < bytes.length;) {
      const word = at / 8;
      const textLength = words[word + recordWord.textLength];
      const textAt = at + recordTextAt;
      values.push(
        position,
        words[word + recordWord.conversation],
        words[word + recordWord.seq],
        words[word + recordWord.sender],
        bytes.subarray(at + recordIdAt, textAt),
        words[word + recordWord.acceptedAt],
        bytes.subarray(textAt, textAt + textLength),
        words[word + recordWord.uncounted],
      );
      position += 1;
      at += recordLength(textLength);
      if (values.length === this.#group * valuesOfRecord) {
        this.#insertGroup.run(...values);
        values.length = 0;
      }
    }
    for (let from = 0; from < values.length; from += valuesOfRecord) {
      this.#insert.run(...values.slice(from, from + valuesOfRecord));
    }
  }
}

/**
 * SQL: inserts `count` records. It fails at the first one that breaks a constraint, and leaves those before it to the end
 * of the transaction: to undo them, SQLite would copy every page that the statement changes.
 */
function insertion(count: number): string {
  const rows = Array<string>(count).fill("(?, ?, ?, ?, ?, ?, ?, ?)").join(", ");
  return `INSERT OR FAIL INTO entry (position, conversation, seq, sender, id, accepted_at, text, uncounted) VALUES ${rows}`;
}
