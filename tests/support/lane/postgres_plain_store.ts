import type { PlainBatch } from "../../../src/core/messages/plain_batch.ts";
import type { Database } from "../../../src/store/postgres/connection/database.ts";
import type { PlainStore } from "../../contract/plain_commits.ts";
import { openEmptyDatabase, openStores } from "../databases/postgres_store.ts";

type Stores = Awaited<ReturnType<typeof openStores>>;

const dumpedTables = ["entry", "conversation", "member", "spent_id", "log"];

/** A store in the schema of this process. One is open at a time. */
export class PostgresPlainStore implements PlainStore {
  readonly #database: Database;
  #stores: Stores;

  private constructor(database: Database, stores: Stores) {
    this.#database = database;
    this.#stores = stores;
  }

  static async open(): Promise<PostgresPlainStore> {
    const database = await openEmptyDatabase();
    return new PostgresPlainStore(database, await openStores(database));
  }

  get messages(): Stores["messages"] {
    return this.#stores.messages;
  }

  get accounts(): Stores["accounts"] {
    return this.#stores.accounts;
  }

  async reopen(): Promise<void> {
    await this.messages.close();
    this.#stores = await openStores(this.#database);
  }

  async reopenAt(head: number): Promise<void> {
    await this.#database.write("UPDATE log SET kept_position = $1, heads_through = $1", [head]);
    await this.reopen();
  }

  commit(batch: PlainBatch): Promise<boolean> {
    return this.messages.commitPlain(batch);
  }

  deleteRoom(id: string): Promise<void> {
    return this.#stores.rooms.deleteRoom(id);
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
