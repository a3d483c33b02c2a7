import type { DatabaseSync } from "node:sqlite";
import { nameSkeleton } from "../../core/accounts/name_skeleton.ts";

/** Adds the SQL functions that migrations call to a connection that runs them. */
export function addMigrationFunctions(connection: DatabaseSync): void {
  connection.function("name_skeleton", { deterministic: true }, (name) => nameSkeleton(String(name)));
}
