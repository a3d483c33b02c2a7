import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import { type CommandEntry, defineCommand } from "../command.ts";
import { dataFolder } from "../options/data_folder.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { path } from "../options/value_parsers.ts";
import type { BackupCommandOptions, RestoreCommandOptions } from "./run_backup.ts";

export const backupCommand: CommandEntry = defineCommand({
  name: "backup",
  brief: "Copy the data folder, also while the server runs",
  description: "Makes a folder with all that the server accepted before: the log, accounts and files. The server " +
    "goes on meanwhile. It overwrites nothing.",
  options: backupOptions,
  load: async () => (await import("./run_backup.ts")).runBackup,
  readsConfig: true,
});

export const restoreCommand: CommandEntry = defineCommand({
  name: "restore",
  brief: "Make a data folder of a backup",
  description:
    "Checks a backup, and makes a new data folder of it. Clients that come back to a server on it are told " +
    "that it was restored. It overwrites nothing.",
  options: restoreOptions,
  load: async () => (await import("./run_backup.ts")).runRestore,
});

function backupOptions(options: OptionsWithEnv): Parser<"sync", BackupCommandOptions, unknown> {
  return object("Options", {
    target: argument(path("DIR"), { description: [text("The folder to make")] }),
    dataDir: dataFolder(options),
  });
}

function restoreOptions(options: OptionsWithEnv): Parser<"sync", RestoreCommandOptions, unknown> {
  return object("Options", {
    source: argument(path("DIR"), { description: [text("The backup")] }),
    dataDir: options.required("--data", path("DIR"), "The data folder to make"),
    logOut: options.flag("--log-out", "Log out all devices, so that no token of that time is good any more"),
  });
}
