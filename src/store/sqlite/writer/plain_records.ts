import { Buffer } from "node:buffer";
import type { StatementSync } from "node:sqlite";
import { recordIdAt, recordLength, recordTextAt, recordWord } from "../../../core/messages/plain_batch.ts";

/** A connection that can prepare statements. */
export interface Preparer {
  prepare(sql: string): StatementSync;
}

/** Inserts the records of plain messages, numbered by the store, into the log. */
export class PlainRecords {
  readonly #insert: StatementSync;

  constructor(connection: Preparer) {
    // Binds strings instead of BLOBs: node:sqlite copies a BLOB through an ArrayBuffer, which costs more than SQLite's
    // conversion.
    this.#insert = connection.prepare(
      `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text, uncounted)
       VALUES (?, ?, ?, ?, unhex(?), ?, CAST(? AS BLOB), ?)`,
    );
  }

  /**
   * Inserts all records in `bytes`, which begins at a multiple of 8 in its buffer, in the caller's transaction.
   * @throws {Error} of SQLite, such as for an id that its sender used before
   */
  insert(bytes: Uint8Array<ArrayBuffer>, firstPosition: number): void {
    const { buffer, byteOffset, length } = bytes;
    const text = Buffer.from(buffer, byteOffset, length);
    const words = new Float64Array(buffer, byteOffset, length / 8);
    let position = firstPosition;
    for (let at = 0; at < length;) {
      const word = at / 8;
      const textLength = words[word + recordWord.textLength];
      const textAt = at + recordTextAt;
      this.#insert.run(
        position,
        words[word + recordWord.conversation],
        words[word + recordWord.seq],
        words[word + recordWord.sender],
        text.toString("hex", at + recordIdAt, at + recordTextAt),
        words[word + recordWord.acceptedAt],
        text.toString("utf8", textAt, textAt + textLength),
        words[word + recordWord.uncounted],
      );
      position += 1;
      at += recordLength(textLength);
    }
  }
}
