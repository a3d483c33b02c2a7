import type { PlainBatch } from "../../../src/core/messages/plain_batch.ts";
import type { Database } from "../../../src/store/postgres/connection/database.ts";
import { PostgresMessageStore } from "../../../src/store/postgres/log/postgres_message_store.ts";
import { PostgresAccountStore } from "../../../src/store/postgres/postgres_account_store.ts";
import { PostgresRoomStore } from "../../../src/store/postgres/postgres_room_store.ts";
import type { PlainStore } from "../../contract/plain_commits.ts";
import { openEmptyDatabase } from "../databases/postgres_store.ts";

const dumpedTables = ["entry", "conversation", "member", "spent_id", "log"];

/** A store in the schema of this process. One is open at a time. */
export class PostgresPlainStore implements PlainStore {
  readonly #database: Database;
  readonly accounts: PostgresAccountStore;
  messages: PostgresMessageStore;

  private constructor(database: Database, messages: PostgresMessageStore) {
    this.#database = database;
    this.messages = messages;
    this.accounts = new PostgresAccountStore(database, { onRenamed: () => this.messages.forgetNames() });
  }

  static async open(): Promise<PostgresPlainStore> {
    const database = await openEmptyDatabase();
    return new PostgresPlainStore(database, await PostgresMessageStore.open(database));
  }

  async reopen(): Promise<void> {
    await this.messages.close();
    this.messages = await PostgresMessageStore.open(this.#database);
  }

  async reopenAt(head: number): Promise<void> {
    await this.#database.write("UPDATE log SET kept_position = $1, heads_through = $1", [head]);
    await this.reopen();
  }

  commit(batch: PlainBatch): Promise<boolean> {
    return this.messages.commitPlain(batch);
  }

  deleteRoom(id: string): Promise<void> {
    const onDeleted = () => this.messages.forgetNames();
    return new PostgresRoomStore(this.#database, { onDeleted }).deleteRoom(id);
  }

  async spendNewest(): Promise<void> {
    await this.#database.write(
      `INSERT INTO spent_id (id, sender, position, conversation, seq, accepted_at)
       SELECT id, sender, position, conversation, seq, accepted_at FROM entry ORDER BY position DESC LIMIT 1`,
    );
    await this.#database.write("UPDATE entry SET id = gen_random_uuid() WHERE position = $1", [this.messages.head]);
  }

  async closedDump(): Promise<string[]> {
    await this.messages.close();
    const lines: string[] = [];
    for (const table of dumpedTables) {
      const rows = await this.#database.read<{ row: string }>(
        `SELECT (to_jsonb(t) - 'epoch')::text AS row FROM "${table}" t ORDER BY row`,
      );
      lines.push(...rows.map(({ row }) => `${table} ${row}`));
    }
    return lines;
  }

  async close(): Promise<void> {
    await this.messages.close();
    await this.#database.close();
  }
}
