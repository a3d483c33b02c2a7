import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { Queries } from "./connection/connection.ts";

/** Rows that one statement writes. */
const rowsPerStatement = 2_000;

/** The tables whose rows are copied, in an order that keeps foreign keys. Both stores have them. */
export const copiedTables = [
  "user",
  "retired_name",
  "name_skeleton",
  "device",
  "invite",
  "consumer",
  "conversation",
  "member",
  "room",
  "span",
  "block",
  "entry",
  "reaction",
  "mention",
  "room_mention",
  "pin",
  "audit",
  "erasure",
  "retention",
  "spent_id",
  "incarnation",
  "file",
] as const;

/** Columns that SQLite has under another name, by table: SQL of SQLite for each. */
const renamed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Entries that retention removed may have been the newest.
  conversation: { kept_seq: "head_seq", kept_position: "head_position", kept_uncounted: "uncounted" },
};

interface Column {
  readonly name: string;
  /** Its type in PostgreSQL. */
  readonly type: string;
}

/**
 * Copies the rows of all tables from a database of SQLite, whose heads are written, into the empty schema of a connection.
 * @returns the number of rows copied, by table
 */
export async function importRows(source: DatabaseSync, target: Queries): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const table of copiedTables) counts.set(table, await importTable(source, target, table));
  await target.query(
    `UPDATE log SET (kept_position, heads_through) = (SELECT head, head FROM (
       SELECT greatest((SELECT max(position) FROM entry), (SELECT max(kept_position) FROM conversation), 0) AS head) newest)`,
  );
  return counts;
}

async function importTable(source: DatabaseSync, target: Queries, table: string): Promise<number> {
  const columns = await columnsOf(target, table);
  const given = new Set(source.prepare(`PRAGMA table_info("${table}")`).all().map(({ name }) => String(name)));
  const taken = columns.filter(({ name }) => given.has(name) || renamed[table]?.[name] !== undefined);
  const select = taken.map(({ name }) => renamed[table]?.[name] ?? `"${name}"`);
  const insert = `INSERT INTO "${table}" (${taken.map(({ name }) => `"${name}"`)}) SELECT * FROM unnest(${
    taken.map(({ type }, index) => `$${index + 1}::${type}[]`)
  })`;
  let rows: SQLOutputValue[][] = [];
  let count = 0;
  const write = async () => {
    if (rows.length === 0) return;
    await target.query(insert, taken.map(({ type }, index) => rows.map((row) => toParameter(row[index], type))));
    count += rows.length;
    rows = [];
  };
  const statement = source.prepare(`SELECT ${select} FROM "${table}"`);
  statement.setReturnArrays(true);
  for (const row of statement.iterate() as Iterable<unknown> as Iterable<SQLOutputValue[]>) {
    if (rows.push(row) === rowsPerStatement) await write();
  }
  await write();
  for (const { name } of columns) {
    await target.query(
      `SELECT setval(sequence, (SELECT coalesce(max("${name}"), 0) + 1 FROM "${table}"), false)
       FROM pg_get_serial_sequence('"${table}"', $1) sequence WHERE sequence IS NOT NULL`,
      [name],
    );
  }
  return count;
}

async function columnsOf(target: Queries, table: string): Promise<Column[]> {
  return await target.query<Column>(
    `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
     WHERE attrelid = quote_ident($1)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
}

function toParameter(value: SQLOutputValue, type: string): string | number | null | Uint8Array {
  if (typeof value === "bigint") return Number(value);
  return type === "uuid" ? (value as Uint8Array).toHex() : value;
}
