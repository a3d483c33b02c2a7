import { type PlainBatch, recordIdAt, recordWord } from "../../../core/messages/plain_batch.ts";
import type { Database } from "../database.ts";
import type { PlainWriter } from "../writer/plain_writer.ts";
import type { Conversations, MovedConversation } from "./conversations.ts";
import type { SpentIds } from "./spent_ids.ts";
import type { UserIds } from "./user_ids.ts";

export interface PlainCommitterOptions {
  readonly users: UserIds;
  readonly conversations: Conversations;
  readonly spentIds: SpentIds;
  readonly writer: PlainWriter;
}

/** Numbers plain messages in memory, and has them written. */
export class PlainCommitter {
  readonly #database: Database;
  readonly #options: PlainCommitterOptions;

  constructor(database: Database, options: PlainCommitterOptions) {
    this.#database = database;
    this.#options = options;
  }

  /**
   * Commits a batch in one transaction; resolves when it is on disk.
   * @returns false, without an effect, unless all senders and conversations exist and all ids are new
   * @throws {ChatError} `storage_full`, `busy`
   */
  async commit(batch: PlainBatch): Promise<boolean> {
    const { heads } = this.#database;
    const { conversations, writer } = this.#options;
    this.#database.writeHeads(heads.excess);
    const moved = this.#number(batch, heads.head);
    if (moved === undefined) return false;
    const { generation } = conversations;
    return await writer.write(batch, () => {
      // The names may have changed while the batch was written.
      if (generation === conversations.generation) conversations.add(moved);
      heads.move(moved.values(), batch.firstPosition + batch.count - 1);
    });
  }

  /** Numbers all messages after `head`. @returns the conversations as they will be, by name */
  #number(batch: PlainBatch, head: number): Map<string, MovedConversation> | undefined {
    const { users, conversations, spentIds } = this.#options;
    const { bytes, words, routes, offsets, count } = batch;
    const moved = new Map<string, MovedConversation>();
    batch.firstPosition = head + 1;
    for (let index = 0; index < count; index++) {
      const { conversation: name, sender } = routes[index];
      const user = users.find(sender);
      let conversation = moved.get(name);
      if (conversation === undefined) {
        const known = conversations.find(name);
        if (known === undefined || known.isGone) return undefined;
        moved.set(name, conversation = { ...known });
      }
      const at = offsets[index];
      if (user === undefined || spentIds.hasBytes(user, bytes, at + recordIdAt)) return undefined;
      conversation.headSeq += 1;
      conversation.headPosition = head + 1 + index;
      words[at / 8 + recordWord.seq] = conversation.headSeq;
      words[at / 8 + recordWord.uncounted] = conversation.uncounted;
      words[at / 8 + recordWord.conversation] = conversation.id;
      words[at / 8 + recordWord.sender] = user;
    }
    return moved;
  }
}
