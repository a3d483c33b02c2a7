import type { Append, Change, ChangeResult } from "../../../src/core/messages/message_store.ts";
import type { Message } from "../../../src/core/messages/message.ts";
import { acceptedMessage } from "../servers/stored_messages.ts";
import { TestMessageStore } from "../servers/test_message_store.ts";
import { TestStore } from "../servers/test_store.ts";

/** A log that another process writes too: commits come back as "behind" when a test says so. */
export class BehindMessageStore extends TestMessageStore {
  /** Happens before each of the next commits, which come back unjudged. */
  readonly meanwhile: (() => unknown)[] = [];
  /** The texts of the entries of each commit. */
  readonly commits: string[][] = [];

  static open(): TestStore<BehindMessageStore> {
    return TestStore.openWith((log) => new BehindMessageStore(log));
  }

  override async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    this.commits.push(changes.flatMap((change) => change.kind === "append" ? [change.text] : []));
    const change = this.meanwhile.shift();
    if (change === undefined) return await super.commit(changes);
    await change();
    // SQLite has one writer, so the type of its answer has no such word.
    return "behind" as unknown as ChangeResult[];
  }

  /** Commits an entry of another process. */
  async commitElsewhere(append: Append): Promise<Message> {
    return acceptedMessage((await super.commit([append]))[0]);
  }
}
