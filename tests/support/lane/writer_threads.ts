import { databasePath } from "../../../src/store/sqlite/database.ts";
import { WriterThread } from "../../../src/store/sqlite/writer/writer_thread.ts";
import { workerEntry } from "../processes/worker_entry.ts";

/** Starts a writer thread for the store in `folder`, whose death fails the test. */
export function startWriterThread(folder: string): WriterThread {
  const onDied = (error: Error) => {
    throw error;
  };
  return new WriterThread({ path: databasePath(folder), entry: workerEntry, onNotStarted: onDied, onDied });
}
