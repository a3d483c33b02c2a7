import { DatabaseSync, type StatementSync } from "node:sqlite";
import { maxBatchBytes } from "../../../core/messages/plain_batch.ts";
import { connectionSettings } from "../connection_settings.ts";
import { resultCode } from "../storage_error.ts";
import { PlainRecords } from "./plain_records.ts";
import { type WriteFailure, WriterMemory, type WriterReport, type WriterStart } from "./writer_memory.ts";

/** Records that one statement inserts: to run it costs as much as to insert a record. */
const recordsOfStatement = 16;
// A statement of several rows that may break a foreign key or a CHECK keeps a journal, into which SQLite copies every
// page that it changes. The records break none: the store itself made the keys, and an id has 16 bytes.
const writerSettings = `
  ${connectionSettings}
  PRAGMA foreign_keys = OFF;
  PRAGMA ignore_check_constraints = ON;
`;

/** The part of a worker's global scope that this module uses; Deno's types declare only windows. */
interface WorkerScope {
  onmessage: (event: MessageEvent<WriterStart>) => void;
  postMessage(report: WriterReport): void;
  close(): void;
}

/** Writes batches of plain messages to the store that started this thread, until it ends the thread. */
export function serveWrites(): void {
  const scope = globalThis as unknown as WorkerScope;
  scope.onmessage = ({ data: { memory: buffer, path } }) => {
    const memory = new WriterMemory(buffer);
    try {
      const connection = new DatabaseSync(path);
      connection.exec(writerSettings);
      const writer = new RecordWriter(connection);
      scope.postMessage("open");
      writer.run(memory);
      // The store ends the thread as soon as this turn is finished, and the end of a thread closes no connection.
      connection.close();
      memory.finish();
    } catch (error) {
      memory.die();
      throw error;
    }
    scope.close();
  };
  scope.postMessage("loaded");
}

/** Writes batches in transactions of their own. */
class RecordWriter {
  readonly #connection: DatabaseSync;
  readonly #records: PlainRecords;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;
  readonly #bytes = new Uint8Array(maxBatchBytes);

  constructor(connection: DatabaseSync) {
    this.#connection = connection;
    this.#records = new PlainRecords(connection, recordsOfStatement);
    this.#begin = connection.prepare("BEGIN IMMEDIATE");
    this.#commit = connection.prepare("COMMIT");
    this.#rollback = connection.prepare("ROLLBACK");
  }

  /** Takes turns until one without records, which it does not finish. */
  run(memory: WriterMemory): void {
    for (;;) {
      const { length, firstPosition } = memory.awaitTurn(this.#bytes);
      if (length === 0) return;
      memory.finish(this.#write(this.#bytes.subarray(0, length), firstPosition));
    }
  }

  /** @returns the failure; undefined when the records are on disk */
  #write(records: Uint8Array<ArrayBuffer>, firstPosition: number): WriteFailure | undefined {
    try {
      this.#transact(records, firstPosition);
      return undefined;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { message, resultCode: resultCode(error) ?? 0 };
    }
  }

  #transact(records: Uint8Array<ArrayBuffer>, firstPosition: number): void {
    try {
      this.#begin.run();
      this.#records.insert(records, firstPosition);
      this.#commit.run();
    } catch (error) {
      // SQLite itself rolls back after some errors, such as a full disk.
      if (this.#connection.isTransaction) this.#rollback.run();
      throw error;
    }
  }
}
