import { defineCommand } from "./invocation.ts";
import { backupOptions, restoreOptions } from "./options/backup.ts";
import type { OptionsWithEnv } from "./options_with_env.ts";

/** What an operator can do with a data folder as a whole. */
export function dataCommands(options: OptionsWithEnv) {
  return [
    defineCommand({
      name: "backup",
      brief: "Copy the data folder, also while the server runs",
      description: "Makes a folder with all that the server accepted before: the log, accounts and files. The server " +
        "goes on meanwhile. It overwrites nothing.",
      options: backupOptions(options),
      load: async () => (await import("../app/backup_command.ts")).runBackup,
    }),
    defineCommand({
      name: "restore",
      brief: "Make a data folder of a backup",
      description:
        "Checks a backup, and makes a new data folder of it. Clients that come back to a server on it are told " +
        "that it was restored. It overwrites nothing.",
      options: restoreOptions(options),
      load: async () => (await import("../app/backup_command.ts")).runRestore,
    }),
  ] as const;
}
