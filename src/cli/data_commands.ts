import type { Environment } from "../commands/options/environment.ts";
import { clientExitCode } from "../commands/exit_code.ts";
import { type CommandEntry, defineCommand, defineGroup } from "../commands/command.ts";
import { backupOptions, restoreOptions } from "../commands/backup/backup_commands.ts";
import { exportOptions } from "../commands/export/export_command.ts";
import {
  retentionOptions,
  retentionSetOptions,
  roomDeleteOptions,
  roomOptions,
} from "../commands/room/room_commands.ts";
import { userListOptions } from "../commands/user/user_commands.ts";
import type { OptionsWithEnv } from "../commands/options/options_with_env.ts";

/** What can be done with what a server keeps, as a whole. */
export function dataCommands(options: OptionsWithEnv, env: Environment): readonly CommandEntry[] {
  return [
    defineCommand({
      name: "backup",
      brief: "Copy the data folder, also while the server runs",
      description: "Makes a folder with all that the server accepted before: the log, accounts and files. The server " +
        "goes on meanwhile. It overwrites nothing.",
      options: () => backupOptions(options),
      load: async () => (await import("../commands/backup/run_backup.ts")).runBackup,
    }),
    defineCommand({
      name: "restore",
      brief: "Make a data folder of a backup",
      description:
        "Checks a backup, and makes a new data folder of it. Clients that come back to a server on it are told " +
        "that it was restored. It overwrites nothing.",
      options: () => restoreOptions(options),
      load: async () => (await import("../commands/backup/run_backup.ts")).runRestore,
    }),
    defineCommand({
      name: "export",
      brief: "Take your own data out of a server",
      description:
        "Makes a folder with everything that the server has of a user: profile, conversations with all that the " +
        "user may see, files. An export that was interrupted is gone on with by the same command.",
      options: () => exportOptions(options, env),
      load: async () => (await import("../commands/export/run_export.ts")).runExport,
      exitCodeOf: clientExitCode,
    }),
    defineGroup({
      word: "room",
      brief: "List, show and delete rooms, also while the server runs",
      description: "Works on the server's data folder: through the server when it runs, and directly when not.",
      entries: roomCommands(options),
    }),
    defineGroup({
      word: "retention",
      brief: "Say how long messages are kept",
      description:
        "Rules for conversations, and one for all that have none. A running server applies them at once, and every five minutes.",
      entries: retentionCommands(options),
    }),
  ];
}

function roomCommands(options: OptionsWithEnv): readonly CommandEntry[] {
  return [
    defineCommand({
      name: "room list",
      brief: "List all rooms",
      description: "Lists all rooms: id, name, public or private, members, since when, and topic, separated by tabs.",
      options: () => userListOptions(options),
      load: async () => (await import("../commands/room/run_room.ts")).listRooms,
    }),
    defineCommand({
      name: "room show",
      brief: "Show a room, and who is what in it",
      description: "Shows a room, and who is what in it.",
      options: () => roomOptions(options),
      load: async () => (await import("../commands/room/run_room.ts")).showRoom,
    }),
    defineCommand({
      name: "room delete",
      brief: "Erase a room with all of its messages",
      description: "Erases a room with all of its messages and files, at once for those who are in it.",
      options: () => roomDeleteOptions(options),
      load: async () => (await import("../commands/room/run_room.ts")).deleteRoom,
    }),
  ];
}

function retentionCommands(options: OptionsWithEnv): readonly CommandEntry[] {
  return [
    defineCommand({
      name: "retention list",
      brief: "List the rules",
      description: "Lists the rules: for what, and what is kept, separated by tabs.",
      options: () => userListOptions(options),
      load: async () => (await import("../commands/retention/run_retention.ts")).listRules,
    }),
    defineCommand({
      name: "retention set",
      brief: "Keep only what is new",
      description:
        "Sets what a conversation, or every one without a rule of its own, keeps: entries up to an age, a number of " +
        "the newest, of both the fewer; with neither, everything. What goes is gone for ever.",
      options: () => retentionSetOptions(options),
      load: async () => (await import("../commands/retention/run_retention.ts")).setRule,
    }),
    defineCommand({
      name: "retention unset",
      brief: "Take a rule back",
      description: "Takes a rule back: the one for all counts from now on, or none.",
      options: () => retentionOptions(options),
      load: async () => (await import("../commands/retention/run_retention.ts")).unsetRule,
    }),
  ];
}
