import { Connection } from "../../../src/store/postgres/connection/connection.ts";
import { Database, type DatabaseOptions } from "../../../src/store/postgres/connection/database.ts";
import { PostgresMessageStore } from "../../../src/store/postgres/log/postgres_message_store.ts";
import { PostgresAccountStore } from "../../../src/store/postgres/postgres_account_store.ts";
import type { CopiedStore } from "../servers/copied_sqlite_store.ts";
import { access, leaseEmptySchema } from "./postgres_store.ts";

/** The tables of a log and of accounts; the lease is that of the whole test. */
const copiedTables = `SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace
  AND c.relkind = 'r' AND c.relname NOT IN ('schema_version', 'lease')`;

/** The store in the schema of this process, and copies of its rows. One is open at a time. */
export class CopiedPostgresStore implements CopiedStore {
  readonly #leased: DatabaseOptions;
  /** Rows in JSON by table, of each copy. */
  readonly #copies = new Map<number, ReadonlyMap<string, string>>();
  #database: Database | undefined;
  messages!: PostgresMessageStore;
  accounts!: PostgresAccountStore;

  private constructor(leased: DatabaseOptions) {
    this.#leased = leased;
  }

  static async make(): Promise<CopiedPostgresStore> {
    return new CopiedPostgresStore(await leaseEmptySchema());
  }

  async open(): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.#database = await Database.open(this.#leased);
    this.messages = await PostgresMessageStore.open(this.#database);
    this.accounts = new PostgresAccountStore(this.#database, this.messages);
    await this.messages.beginIncarnation();
  }

  async copy(number: number): Promise<void> {
    const copy = await this.#database!.snapshot(async ({ query }) => {
      const tables = await query<{ name: string }>(copiedTables);
      const copy = new Map<string, string>();
      for (const { name } of tables) {
        const [{ rows }] = await query<{ rows: string }>(
          `SELECT coalesce(jsonb_agg(t), '[]')::text AS rows FROM "${name}" t`,
        );
        copy.set(name, rows);
      }
      return copy;
    });
    this.#copies.set(number, copy);
  }

  /** Past foreign keys and fences, as a standby that becomes the primary. */
  async putBack(copy: number): Promise<void> {
    await this[Symbol.asyncDispose]();
    await using connection = await Connection.open(access, { name: "test" });
    await connection.execute("SET session_replication_role = replica; BEGIN");
    for (const [name, rows] of this.#copies.get(copy)!) {
      await connection.query(`DELETE FROM "${name}"`);
      await connection.query(
        `INSERT INTO "${name}" OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_recordset(NULL::"${name}", $1)`,
        [rows],
      );
    }
    await connection.execute("COMMIT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database === undefined) return;
    await this.messages.close();
    await this.#database.close();
  }
}
