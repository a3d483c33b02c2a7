import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import { type CommandEntry, defineCommand } from "../command.ts";
import { dataFolder } from "../options/data_folder.ts";
import { withoutDatabase } from "../options/database_options.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { path } from "../options/value_parsers.ts";
import type { BackupCommandOptions, RestoreCommandOptions } from "./run_backup.ts";

export const backupCommand: CommandEntry = defineCommand({
  name: "backup",
  brief: "Back up the data folder, even while the server runs",
  description: "Writes the log, accounts and files to a new folder, with everything that the server accepted before. " +
    "The server keeps running. Existing files are never overwritten.",
  options: backupOptions,
  load: async () => (await import("./run_backup.ts")).runBackup,
  readsConfig: true,
});

export const restoreCommand: CommandEntry = defineCommand({
  name: "restore",
  brief: "Create a data folder from a backup",
  description:
    "Verifies a backup and creates a new data folder from it. The server tells clients that reconnect about the " +
    "restore. Existing files are never overwritten.",
  options: restoreOptions,
  load: async () => (await import("./run_backup.ts")).runRestore,
});

function backupOptions(options: OptionsWithEnv): Parser<"sync", BackupCommandOptions, unknown> {
  return object("Options", {
    target: argument(path("DIR"), { description: [text("Folder to create")] }),
    dataDir: dataFolder(options),
    database: withoutDatabase(options, 'back it up with "pg_dump --format=custom", or continuously with pgBackRest'),
  });
}

function restoreOptions(options: OptionsWithEnv): Parser<"sync", RestoreCommandOptions, unknown> {
  return object("Options", {
    source: argument(path("DIR"), { description: [text("Folder of the backup")] }),
    dataDir: options.required("--data", path("DIR"), "Data folder to create"),
    logOut: options.flag("--log-out", "Log out all devices and invalidate their tokens"),
    database: withoutDatabase(options, "restore it with pg_restore or pgBackRest, while no server runs"),
  });
}
