import type { PlainBatch } from "../../../core/messages/plain_batch.ts";
import type { Database } from "../connection/database.ts";
import type { Heads } from "./heads.ts";

/** Commits batches of plain messages. */
export class PlainCommitter {
  constructor(_database: Database, _options: { heads: Heads }) {}

  /** See {@link MessageStore.commitPlain}. */
  commit(_batch: PlainBatch): Promise<boolean> {
    throw new Error("not written");
  }

  /** Must be called after users or conversations were renamed or deleted. */
  forgetNames(): void {}
}
