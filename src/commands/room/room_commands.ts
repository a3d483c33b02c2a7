import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import { type CommandEntry, defineCommand, defineGroup } from "../command.ts";
import { dataFolder, dataFolderOptions } from "../options/data_folder.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { sureOption } from "../options/sure_option.ts";
import { words } from "../options/value_parsers.ts";
import type { RoomDeleteOptions, RoomOptions } from "./run_room.ts";

export const roomCommand: CommandEntry = defineGroup({
  word: "room",
  brief: "List, show and delete rooms, also while the server runs",
  description: "Works on the server's data folder: through the server when it runs, and directly when not.",
  readsConfig: true,
  entries: [
    defineCommand({
      name: "room list",
      brief: "List all rooms",
      description: "Lists all rooms: id, name, public or private, members, since when, and topic, separated by tabs.",
      options: dataFolderOptions,
      load: async () => (await import("./run_room.ts")).listRooms,
    }),
    defineCommand({
      name: "room show",
      brief: "Show a room, and who is what in it",
      description: "Shows a room, and who is what in it.",
      options: roomOptions,
      load: async () => (await import("./run_room.ts")).showRoom,
    }),
    defineCommand({
      name: "room delete",
      brief: "Erase a room with all of its messages",
      description: "Erases a room with all of its messages and files, at once for those who are in it.",
      options: roomDeleteOptions,
      load: async () => (await import("./run_room.ts")).deleteRoom,
    }),
  ],
});

function roomOptions(options: OptionsWithEnv): Parser<"sync", RoomOptions, unknown> {
  return object("Options", { room: room(), dataDir: dataFolder(options) });
}

function roomDeleteOptions(options: OptionsWithEnv): Parser<"sync", RoomDeleteOptions, unknown> {
  return object("Options", { room: room(), dataDir: dataFolder(options), yes: sureOption() });
}

function room(): Parser<"sync", string, unknown> {
  return argument(words("ROOM"), { description: [text("A public room's name, such as \"#ops\", or any room's id")] });
}
