import type { PlainBatch } from "../../../src/core/messages/plain_batch.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import { PlainWriter } from "../../../src/store/sqlite/writer/plain_writer.ts";
import { temporaryFolder } from "../checks/temporary_folder.ts";
import { type OpenedLog, TestMessageStore } from "../servers/test_message_store.ts";
import { TestStore } from "../servers/test_store.ts";
import { startWriterThread } from "./writer_threads.ts";

/** A store that counts plain messages, and refuses some batches, as if it was not certain of them. */
export class LaneStore extends TestMessageStore {
  readonly #refuses: () => boolean;
  /** Plain messages so far, stored or not. */
  plain = 0;

  /** @param refuses whether it refuses the next batch; it takes all unless given */
  constructor(log: OpenedLog, refuses = () => false) {
    super(log);
    this.#refuses = refuses;
  }

  /** Opens a store in memory. */
  static open(): TestStore<LaneStore> {
    return TestStore.openWith((log) => new LaneStore(log));
  }

  /** Opens a store in a folder, whose batches a thread writes. Both end with `closing`. */
  static openWithThread(closing: DisposableStack): TestStore<LaneStore> {
    const { path } = closing.use(temporaryFolder());
    const database = Database.open(path);
    const thread = closing.use(startWriterThread(path));
    const writer = new PlainWriter(database, { startThread: () => thread, maxDirect: 0 });
    return TestStore.openWith((log) => new LaneStore(log), { database, writer });
  }

  override async commitPlain(batch: PlainBatch): Promise<boolean> {
    this.plain += batch.count;
    return !this.#refuses() && await super.commitPlain(batch);
  }
}
