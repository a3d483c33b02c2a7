import { type DatabaseOptions, readAccess } from "../../app/database/database_access.ts";
import { processOutput } from "../../host/process_output.ts";
import { exitCode } from "../exit_code.ts";

/** Options of `chatd database …`. */
export interface DatabaseCommandOptions {
  readonly database: DatabaseOptions;
}

/** Makes the tables of a new database. @returns the exit code. @throws {ChatError} */
export async function initDatabase(options: DatabaseCommandOptions): Promise<number> {
  const { where, before, version } = await migrate(options);
  processOutput.stdout(
    before === undefined
      ? `Made the tables of chatd in ${where}: start a server with "chatd serve --database URL".`
      : describeUpdate({ where, before, version }),
  );
  return exitCode.done;
}

/** Makes or updates the tables. @returns the exit code. @throws {ChatError} */
export async function migrateDatabase(options: DatabaseCommandOptions): Promise<number> {
  const { where, before, version } = await migrate(options);
  processOutput.stdout(
    before === undefined ? `Made the tables of chatd in ${where}.` : describeUpdate({ where, before, version }),
  );
  return exitCode.done;
}

/** Prints the facts that matter for serving. @returns the exit code. @throws {ChatError} if chatd cannot serve */
export async function checkDatabase({ database }: DatabaseCommandOptions): Promise<number> {
  const { inspectDatabase } = await import("../../store/postgres/inspect_database.ts");
  const { where, server, version, warnings, holder } = await inspectDatabase(await readAccess(database));
  processOutput.stdout(`ok       ${where}: PostgreSQL ${server}, tables of version ${version}`);
  processOutput.stdout(
    holder.isHeld ? `ok       the node "${holder.node}" serves` : "ok       no node serves, so the next one will",
  );
  for (const { problem, advice } of warnings) processOutput.stdout(`warning  ${problem}\n         ${advice}`);
  return exitCode.done;
}

interface Migration {
  readonly where: string;
  readonly before: number | undefined;
  readonly version: number;
}

async function migrate({ database }: DatabaseCommandOptions): Promise<Migration> {
  const { migrateDatabase } = await import("../../store/postgres/inspect_database.ts");
  return await migrateDatabase(await readAccess(database));
}

function describeUpdate({ where, before, version }: Migration & { before: number }): string {
  if (before === version) return `The tables of chatd in ${where} have version ${version} already.`;
  return `Updated the tables of chatd in ${where} from version ${before} to ${version}.`;
}
