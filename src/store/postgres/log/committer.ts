import { ChatError } from "../../../core/chat_error.ts";
import { isRoomId } from "../../../core/rooms/room.ts";
import type { Append, Change, ChangeResult } from "../../../core/messages/message_store.ts";
import type { Database } from "../connection/database.ts";
import { decodeResult, encodeChanges, type EncodedChanges, type EncodedResult } from "./commit_encoding.ts";
import type { Heads, MovedDirect } from "./heads.ts";

/** Commits all kinds of changes, each commit by one call of a function of the database. */
export class Committer {
  readonly #database: Database;
  readonly #heads: Heads;
  /** Resolves when no commit is in progress. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(database: Database, { heads }: { heads: Heads }) {
    this.#database = database;
    this.#heads = heads;
  }

  /** Makes the changes in one transaction, after those of earlier calls. @throws {ChatError} */
  commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    if (changes.length === 0) return Promise.resolve([]);
    const done = this.#last.then(() => this.#commit(changes));
    this.#last = done.catch(() => {});
    return done;
  }

  async #commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    const results = await this.#write(encodeChanges(changes));
    this.#moveHeads(changes, results);
    return results.map((result, index) => decodeResult(changes[index], result));
  }

  /**
   * Subtransactions cost more than most changes, and changes rarely fail, so the commit runs without them, and is
   * repeated with one for each change only if a change failed.
   */
  async #write(encoded: EncodedChanges): Promise<EncodedResult[]> {
    try {
      return await this.#call(encoded, { apart: false });
    } catch (error) {
      if (error instanceof ChatError) throw error;
    }
    return await this.#call(encoded, { apart: true });
  }

  async #call({ changes, sizes, texts }: EncodedChanges, { apart }: { apart: boolean }): Promise<EncodedResult[]> {
    const rows = await this.#database.commit<{ result: EncodedResult }>(
      "SELECT result FROM commit_1($1, $2, $3, $4)",
      [changes, sizes, texts, apart],
    );
    return rows.map(({ result }) => result);
  }

  #moveHeads(changes: readonly Change[], results: readonly EncodedResult[]): void {
    const moved = new Map<number, MovedDirect>();
    let { head } = this.#heads;
    for (const [index, result] of results.entries()) {
      if (result.kind !== "accepted") continue;
      const { key: conversation, position } = result;
      head = position;
      if (!isRoomId((changes[index] as Append).conversation)) moved.set(conversation, { conversation, position });
    }
    this.#heads.move(moved.values(), head);
  }
}
