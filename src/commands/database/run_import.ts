import { readAccess } from "../../app/database/database_access.ts";
import { requireDataFolder } from "../../host/permissions.ts";
import { processOutput } from "../../host/process_output.ts";
import { exitCode } from "../exit_code.ts";
import type { DataFolderOptions } from "../options/data_folder.ts";
import type { DatabaseFields } from "../options/database_options.ts";

export interface ImportCommandOptions extends DatabaseFields, DataFolderOptions {}

/** Copies a data folder into a database. @returns the exit code. @throws {ChatError} if nothing was imported */
export async function runImport({ dataDir, database }: ImportCommandOptions): Promise<number> {
  requireDataFolder(dataDir);
  const access = await readAccess(database);
  const { importFolder } = await import("../../store/postgres/import/import_folder.ts");
  const { showDatabase } = await import("../../store/postgres/connection/database_address.ts");
  const { rows, contents, missing } = await importFolder({ folder: dataDir, access });
  const count = (table: string) => (rows.get(table) ?? 0).toLocaleString("en");
  processOutput.stdout(
    [
      `Imported "${dataDir}" into ${showDatabase(access.address)}: ${count("user")} accounts, ${
        count("conversation")
      } ` +
      `conversations, ${count("entry")} entries, ${contents.toLocaleString("en")} contents of files.`,
      "All rows were read back, and are those of the folder.",
      ...missing.map((hash) =>
        `warning  The content ${hash} is absent or damaged in the folder: its files cannot be read.`
      ),
      'Serve with "chatd serve --database URL". The search index is built while it serves.',
    ].join("\n"),
  );
  return missing.length === 0 ? exitCode.done : exitCode.failed;
}
