import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { argument, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { mentioners, parseMentioners } from "../../core/rooms/mentioners.ts";
import { type CommandEntry, defineCommand, defineGroup } from "../command.ts";
import { storeOptions, storePlace } from "../options/data_folder.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { sureOption } from "../options/sure_option.ts";
import { userName, words } from "../options/value_parsers.ts";
import type { RoomAddOptions, RoomDeleteOptions, RoomOptions, RoomSetOptions } from "./run_room.ts";

export const roomCommand: CommandEntry = defineGroup({
  word: "room",
  brief: "List, show, fill, set and delete rooms, even while the server runs",
  description: "Asks the running server, or opens the data folder if none runs.",
  readsConfig: true,
  entries: [
    defineCommand({
      name: "room list",
      brief: "List all rooms",
      description: "Lists all rooms: id, name, access, number of members, creation time and topic, separated by tabs.",
      options: storeOptions,
      load: async () => (await import("./run_room.ts")).listRooms,
    }),
    defineCommand({
      name: "room show",
      brief: "Show a room and its members",
      description: "Shows a room, its members and their roles.",
      options: roomOptions,
      load: async () => (await import("./run_room.ts")).showRoom,
    }),
    defineCommand({
      name: "room add",
      brief: "Add a user to a room",
      description: "Adds a user to a room, also to a private one, as if they had joined. The audit log records it.",
      options: roomAddOptions,
      load: async () => (await import("./run_room.ts")).addToRoom,
    }),
    defineCommand({
      name: "room set",
      brief: "Set who may mention all members of a room",
      description:
        "Sets who may mention all members of a room, by @room and @here. The members see the change, in the " +
        "name of an owner and marked as the operator's. The audit log records it.",
      options: roomSetOptions,
      load: async () => (await import("./run_room.ts")).setRoom,
    }),
    defineCommand({
      name: "room delete",
      brief: "Erase a room with all of its messages",
      description: "Erases a room with all of its messages and files. Members lose access at once.",
      options: roomDeleteOptions,
      load: async () => (await import("./run_room.ts")).deleteRoom,
    }),
  ],
});

function roomOptions(options: OptionsWithEnv): Parser<"sync", RoomOptions, unknown> {
  return object("Options", { room: room(), place: storePlace(options) });
}

function roomAddOptions(options: OptionsWithEnv): Parser<"sync", RoomAddOptions, unknown> {
  const user = argument(userName(), { description: [text("Name of the user")] });
  return object("Options", { room: room(), user, place: storePlace(options) });
}

function roomSetOptions(options: OptionsWithEnv): Parser<"sync", RoomSetOptions, unknown> {
  const mentions = option("--mentions", choice(Object.values(mentioners), { metavar: "WHO" }), {
    description: [text("Members who may use @room and @here: all, or those of this role and higher ones")],
  });
  const parser = object("Options", { room: room(), mentions, place: storePlace(options) });
  return map(parser, ({ mentions, ...others }) => ({ ...others, mentions: parseMentioners(mentions)! }));
}

function roomDeleteOptions(options: OptionsWithEnv): Parser<"sync", RoomDeleteOptions, unknown> {
  return object("Options", { room: room(), place: storePlace(options), yes: sureOption() });
}

function room(): Parser<"sync", string, unknown> {
  return argument(words("ROOM"), { description: [text('Name of a public room, such as "#ops", or id of any room')] });
}
