import { DatabaseSync } from "node:sqlite";
import { databasePath } from "../../../src/store/sqlite/database.ts";

/** Columns that differ between two stores with the same content. */
const random = new Set(["log.epoch", "incarnation.id"]);

/** Returns all rows of the database in `folder`, each as a line of SQL literals, which tell the type of a value. */
export function dumpDatabase(folder: string): string[] {
  using connection = new DatabaseSync(databasePath(folder), { readOnly: true });
  const tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
  return tables.flatMap(({ name: table }) => {
    const columns = connection.prepare("SELECT name FROM pragma_table_info(?)").all(table)
      .map(({ name }) => name).filter((column) => !random.has(`${table}.${column}`));
    const literals = columns.map((column) => `quote("${column}")`).join(" || ' ' || ");
    return connection.prepare(`SELECT ${literals} AS line FROM "${table}" ORDER BY line`).all()
      .map(({ line }) => `${table} ${line}`);
  });
}
