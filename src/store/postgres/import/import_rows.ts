import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { Queries } from "../connection/connection.ts";
import { type CopiedColumn, copiedColumns, type CopiedTable } from "./copied_tables.ts";

/** Rows that one statement writes; with texts of 16 KiB, 8 MiB are in memory. */
const rowsPerStatement = 500;

/**
 * Copies the rows of a table from SQLite into the empty table of PostgreSQL, whose numbers go on after them.
 * @returns the number of rows
 */
export async function importRows(
  table: CopiedTable,
  databases: { source: DatabaseSync; target: Queries },
): Promise<number> {
  const { source, target } = databases;
  const columns = await copiedColumns(table, databases);
  const insert = `INSERT INTO "${table}" (${columns.map(({ name }) => `"${name}"`)}) SELECT * FROM unnest(${
    columns.map(({ type }, index) => `$${index + 1}::${type}[]`)
  })`;
  const rows = source.prepare(`SELECT ${columns.map((column) => column.source)} FROM "${table}"`);
  rows.setReturnArrays(true);
  let count = 0;
  let some: SQLOutputValue[][] = [];
  const write = async () => {
    if (some.length > 0) {
      await target.query(
        insert,
        columns.map((column, at) => some.map((row) => toParameter(row[at], column))),
      );
    }
    count += some.length;
    some = [];
  };
  for (const row of rows.iterate() as Iterable<unknown> as Iterable<SQLOutputValue[]>) {
    if (some.push(row) === rowsPerStatement) await write();
  }
  await write();
  for (const { name } of columns.filter(({ isNumbered }) => isNumbered)) {
    await target.query(
      `SELECT setval(pg_get_serial_sequence('"${table}"', '${name}'), coalesce(max("${name}"), 0) + 1, false) FROM "${table}"`,
    );
  }
  return count;
}

function toParameter(value: SQLOutputValue, { type }: CopiedColumn): string | number | null | Uint8Array {
  if (typeof value === "bigint") return Number(value);
  return type === "uuid" ? (value as Uint8Array).toHex() : value;
}
