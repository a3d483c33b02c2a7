import type { DatabaseSync } from "node:sqlite";
import type { Queries } from "../connection/connection.ts";

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

export type CopiedTable = typeof copiedTables[number];

/** Columns that SQLite has under another name or in another form, by table: SQL of SQLite for each. */
const differing: { readonly [Table in CopiedTable]?: Readonly<Record<string, string>> } = {
  // Retention may have removed the newest entries.
  conversation: { kept_seq: "head_seq", kept_position: "head_position", kept_uncounted: "uncounted" },
  // Empty before the first step of an erasure.
  erasure: { after_id: "iif(length(after_id) = 0, zeroblob(16), after_id)" },
};

/** A column that both stores have. */
export interface CopiedColumn {
  readonly name: string;
  /** Its type in PostgreSQL. */
  readonly type: string;
  /** SQL of SQLite for its value. */
  readonly source: string;
  /** Its place in the primary key, from 1 on; 0 outside it. */
  readonly keyPlace: number;
  /** Whether the database numbers it. */
  readonly isNumbered: boolean;
}

/** Returns the columns of a table that both stores have. */
export async function copiedColumns(
  table: CopiedTable,
  { source, target }: { source: DatabaseSync; target: Queries },
): Promise<CopiedColumn[]> {
  const columns = await target.query<Omit<CopiedColumn, "source">>(
    `SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type,
       coalesce(array_position(i.indkey::int[], a.attnum::int) + 1, 0) AS "keyPlace",
       a.attidentity <> '' AS "isNumbered"
     FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
     WHERE a.attrelid = quote_ident($1)::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [table],
  );
  const given = new Set(source.prepare(`PRAGMA table_info("${table}")`).all().map(({ name }) => String(name)));
  return columns.flatMap((column) => {
    const other = differing[table]?.[column.name];
    if (other !== undefined) return [{ ...column, source: other }];
    return given.has(column.name) ? [{ ...column, source: `"${column.name}"` }] : [];
  });
}
