import { object } from "@optique/core/constructs";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand, defineGroup } from "../command.ts";
import { clientExitCode } from "../exit_code.ts";
import { dataFolder } from "../options/data_folder.ts";
import { type DatabaseFields, databaseFields, requiredDatabase } from "../options/database_options.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import type { ImportCommandOptions } from "./run_import.ts";

export const databaseCommand: CommandEntry = defineGroup({
  word: "database",
  brief: "Set up a PostgreSQL database for --database",
  description: 'Makes, checks and updates the tables in a database that "chatd serve --database" serves from.',
  readsConfig: true,
  entries: [
    defineCommand({
      name: "database init",
      brief: "Make chatd's tables in a new database",
      description: "Makes the schema and its tables. Tables that exist are left as they are.",
      options: databaseCommandOptions,
      load: async () => (await import("./run_database.ts")).initDatabase,
      exitCodeOf: clientExitCode,
    }),
    defineCommand({
      name: "database check",
      brief: "Check that chatd can serve from a database",
      description: "Checks the version and the settings of the server, the connection, and the tables, and names the " +
        "node that serves. Changes nothing. Exits with 1 if chatd cannot serve, and with 4 if the database cannot be " +
        "reached.",
      options: databaseCommandOptions,
      load: async () => (await import("./run_database.ts")).checkDatabase,
      exitCodeOf: clientExitCode,
    }),
    defineCommand({
      name: "database migrate",
      brief: "Update the tables to this version of chatd",
      description: "Makes the tables, or updates them. Servers of the version before may serve meanwhile.",
      options: databaseCommandOptions,
      load: async () => (await import("./run_database.ts")).migrateDatabase,
      exitCodeOf: clientExitCode,
    }),
    defineCommand({
      name: "database import",
      brief: "Copy a data folder into a new database",
      description:
        "Copies accounts, rooms, messages and files from a data folder that no server uses into tables that " +
        '"database init" made, reads them back and compares them. Clients go on where they were. The folder stays as it ' +
        "is, except that its tables are updated to this version. Exits with 1 and imports nothing if anything differs; " +
        "exits with 1 after the import, too, if the folder lacks contents of files.",
      options: importOptions,
      load: async () => (await import("./run_import.ts")).runImport,
      exitCodeOf: clientExitCode,
    }),
  ],
});

function importOptions(options: OptionsWithEnv): Parser<"sync", ImportCommandOptions, unknown> {
  return object("Options", { dataDir: dataFolder(options), database: requiredDatabase(options) });
}

function databaseCommandOptions(options: OptionsWithEnv): Parser<"sync", DatabaseFields, unknown> {
  return object("Options", databaseFields(options));
}
