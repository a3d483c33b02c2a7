import { readAccess } from "../../app/database/database_access.ts";
import { processOutput } from "../../host/process_output.ts";
import { exitCode } from "../exit_code.ts";
import type { DatabaseFields } from "../options/database_options.ts";

/** Makes the tables of a new database. @returns the exit code. @throws {ChatError} */
export async function initDatabase(options: DatabaseFields): Promise<number> {
  return await migrate(options, { next: ': start a server with "chatd serve --database URL"' });
}

/** Makes or updates the tables. @returns the exit code. @throws {ChatError} */
export async function migrateDatabase(options: DatabaseFields): Promise<number> {
  return await migrate(options, { next: "" });
}

/** Prints the facts that matter for serving. @returns the exit code. @throws {ChatError} if chatd cannot serve */
export async function checkDatabase({ database }: DatabaseFields): Promise<number> {
  const { inspectDatabase } = await import("../../store/postgres/inspect_database.ts");
  const { where, server, version, warnings, holder } = await inspectDatabase(await readAccess(database));
  processOutput.stdout(`ok       ${where}: PostgreSQL ${server}, tables of version ${version}`);
  processOutput.stdout(
    holder.isHeld ? `ok       the node "${holder.node}" serves` : "ok       no node serves, so the next one will",
  );
  for (const { problem, advice } of warnings) processOutput.stdout(`warning  ${problem}\n         ${advice}`);
  return exitCode.done;
}

/** @param options.next the end of the sentence about new tables */
async function migrate({ database }: DatabaseFields, { next }: { next: string }): Promise<number> {
  const { migrateDatabase } = await import("../../store/postgres/inspect_database.ts");
  const { where, before, version } = await migrateDatabase(await readAccess(database));
  const updated = before === version
    ? `The tables of chatd in ${where} have version ${version} already.`
    : `Updated the tables of chatd in ${where} from version ${before} to ${version}.`;
  processOutput.stdout(before === undefined ? `Made the tables of chatd in ${where}${next}.` : updated);
  return exitCode.done;
}
