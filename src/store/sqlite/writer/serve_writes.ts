import { DatabaseSync, type StatementSync } from "node:sqlite";
import { maxBatchBytes } from "../../../core/messages/plain_batch.ts";
import { connectionSettings } from "../connection_settings.ts";
import { resultCode } from "../storage_error.ts";
import { PlainRecords } from "./plain_records.ts";
import { type Outcome, WriterMemory, type WriterReport, type WriterStart } from "./writer_memory.ts";

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
    const connection = new DatabaseSync(path);
    connection.exec(connectionSettings);
    const writer = new RecordWriter(connection);
    scope.postMessage("open");
    writer.run(memory);
    // The store ends the thread as soon as this turn is finished, and the end of a thread closes no connection.
    connection.close();
    memory.finish("stored");
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
    this.#records = new PlainRecords(connection);
    this.#begin = connection.prepare("BEGIN IMMEDIATE");
    this.#commit = connection.prepare("COMMIT");
    this.#rollback = connection.prepare("ROLLBACK");
  }

  /** Takes turns until one without records, which it does not finish. */
  run(memory: WriterMemory): void {
    for (;;) {
      const { length, firstPosition } = memory.awaitTurn(this.#bytes);
      if (length === 0) return;
      try {
        memory.finish(this.#write(this.#bytes.subarray(0, length), firstPosition));
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        memory.finish("failed", { message, resultCode: resultCode(error) ?? 0 });
      }
    }
  }

  #write(bytes: Uint8Array<ArrayBuffer>, firstPosition: number): Outcome {
    try {
      this.#begin.run();
      if (this.#records.insert(bytes, firstPosition)) {
        this.#commit.run();
        return "stored";
      }
      this.#rollback.run();
      return "duplicate";
    } catch (error) {
      // SQLite itself rolls back after some errors, such as a full disk.
      if (this.#connection.isTransaction) this.#rollback.run();
      throw error;
    }
  }
}
