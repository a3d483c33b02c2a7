import type { Change, ChangeResult } from "../../../core/messages/message_store.ts";
import type { Database } from "../connection/database.ts";
import type { Heads } from "./heads.ts";

/** Commits all kinds of changes. */
export class Committer {
  constructor(_database: Database, _options: { heads: Heads }) {}

  /** Makes the changes in one transaction. @throws {ChatError} */
  commit(_changes: readonly Change[]): Promise<ChangeResult[]> {
    throw new Error("not written");
  }

  /** Must be called after users or conversations were renamed or deleted. */
  forgetNames(): void {}
}
