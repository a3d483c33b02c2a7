import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { Queries } from "../connection/connection.ts";
import { type CopiedColumn, copiedColumns, type CopiedTable } from "./copied_tables.ts";

/** Rows that are in memory at once. */
const rowsPerFetch = 500;

/** The number of rows of a table, and a hash of their values in the order of the primary key. */
export interface TableDigest {
  readonly rows: number;
  /** SHA-256 in hexadecimal digits. */
  readonly sha256: string;
}

type Value = string | number | bigint | Uint8Array | null;

/** Returns the digests of a table in both databases, over the columns that both have. `target` is in a transaction. */
export async function digestTable(
  table: CopiedTable,
  databases: { source: DatabaseSync; target: Queries },
): Promise<{ source: TableDigest; target: TableDigest }> {
  const columns = await copiedColumns(table, databases);
  const key = columns.filter(({ keyPlace }) => keyPlace > 0).toSorted((one, other) => one.keyPlace - other.keyPlace);
  return {
    source: digestSource(databases.source, { table, columns, key }),
    target: await digestTarget(databases.target, { table, columns, key }),
  };
}

interface Digested {
  readonly table: CopiedTable;
  readonly columns: readonly CopiedColumn[];
  readonly key: readonly CopiedColumn[];
}

function digestSource(database: DatabaseSync, { table, columns, key }: Digested): TableDigest {
  const rows = database.prepare(
    `SELECT ${columns.map(({ source }) => source)} FROM "${table}" ORDER BY ${key.map(({ source }) => source)}`,
  );
  rows.setReturnArrays(true);
  const digest = new RowDigest();
  for (const row of rows.iterate() as Iterable<unknown> as Iterable<Value[]>) digest.add(row);
  return digest.end();
}

async function digestTarget(queries: Queries, { table, columns, key }: Digested): Promise<TableDigest> {
  const values = columns.map(({ name, type }) => type === "uuid" ? `uuid_send("${name}") AS "${name}"` : `"${name}"`);
  await queries.query(
    `DECLARE digested NO SCROLL CURSOR FOR SELECT ${values} FROM "${table}" ORDER BY ${
      key.map(({ name }) => `"${name}"`)
    }`,
  );
  const digest = new RowDigest();
  for (;;) {
    const rows = await queries.query<Record<string, Value>>(`FETCH ${rowsPerFetch} FROM digested`);
    if (rows.length === 0) break;
    for (const row of rows) digest.add(columns.map(({ name }) => row[name]));
  }
  await queries.query("CLOSE digested");
  return digest.end();
}

class RowDigest {
  readonly #hash = createHash("sha256");
  #rows = 0;

  add(row: readonly Value[]): void {
    this.#rows += 1;
    for (const value of row) {
      if (value instanceof Uint8Array) this.#hash.update(`b${value.length}:`).update(value);
      else if (typeof value === "string") this.#hash.update(`t${value.length}:${value}`);
      else this.#hash.update(value === null ? "n" : `i${value};`);
    }
  }

  end(): TableDigest {
    return { rows: this.#rows, sha256: this.#hash.digest("hex") };
  }
}
