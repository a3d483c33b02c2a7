import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import { parseAddress } from "../../core/messages/address.ts";
import { type CommandEntry, defineCommand, defineCommandWithSubcommands } from "../command.ts";
import { scriptExitCode } from "../exit_code.ts";
import type { RoomsCommandOptions } from "./run_lists.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { UsageError } from "../options/usage_error.ts";
import { address, userName, words } from "../options/value_parsers.ts";
import { jsonOption, timeoutOption, withConnection } from "../script/script_options.ts";
import type { RoomCreateOptions, RoomInviteOptions, RoomLeaveOptions, RoomShownOptions } from "./run_room_requests.ts";

export const roomsCommand: CommandEntry = defineCommandWithSubcommands({
  name: "rooms",
  brief: "List rooms; create, join and leave them",
  description:
    "Lists public rooms, your own rooms, or rooms that you are invited to: address, name, number of members " +
    "and topic, separated by tabs. For a QUERY such as join, which is also a subcommand, write: chatd rooms -- join",
  options: listOptions,
  load: async () => (await import("./run_lists.ts")).runRooms,
  exitCodeOf: scriptExitCode,
}, [
  defineCommand({
    name: "rooms create",
    brief: "Create a room",
    description: "Creates a room with you as its owner, and prints it like the list of rooms.",
    options: createOptions,
    load: async () => (await import("./run_room_requests.ts")).createRoom,
    exitCodeOf: scriptExitCode,
  }),
  defineCommand({
    name: "rooms join",
    brief: "Join a room",
    description:
      "Joins a public room, or a private one that you are invited to, and prints it like the list of rooms. Succeeds " +
      "also if you are a member.",
    options: shownOptions,
    load: async () => (await import("./run_room_requests.ts")).joinRoom,
    exitCodeOf: scriptExitCode,
  }),
  defineCommand({
    name: "rooms leave",
    brief: "Leave a room, or decline an invitation",
    description: "Leaves a room, or declines an invitation to it.",
    options: leaveOptions,
    load: async () => (await import("./run_room_requests.ts")).leaveRoom,
    exitCodeOf: scriptExitCode,
  }),
  defineCommand({
    name: "rooms invite",
    brief: "Invite a user to a room",
    description: "Invites a user to a room.",
    options: inviteOptions,
    load: async () => (await import("./run_room_requests.ts")).inviteToRoom,
    exitCodeOf: scriptExitCode,
  }),
  defineCommand({
    name: "rooms members",
    brief: "List the members of a room",
    description:
      "Lists the members and invited users of a room by name, for its moderators also the banned ones: name, role and " +
      "online or offline, separated by tabs.",
    options: shownOptions,
    load: async () => (await import("./run_room_requests.ts")).listMembers,
    exitCodeOf: scriptExitCode,
  }),
]);

function listOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", RoomsCommandOptions, unknown> {
  const main = object({
    query: optional(argument(words("QUERY"), { description: [text("Text in the name or topic")] })),
    mine: options.once("--mine", "List rooms that you are a member of, including private ones"),
    invited: options.once("--invited", "List rooms that you are invited to, with the inviter"),
    json: jsonOption(options),
    timeoutMs: timeoutOption(),
  });
  const checked = map(main, (chosen) => {
    if (!chosen.mine || !chosen.invited) return chosen;
    throw new UsageError("--mine and --invited exclude each other.");
  });
  return withConnection(checked, options, env);
}

function createOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", RoomCreateOptions, unknown> {
  const main = object({
    name: argument(words("NAME"), { description: [text('Name of the new room, such as "#ops"')] }),
    isPrivate: options.once("--private", "Let only invited users join, and keep the room out of lists"),
    historyVisible: options.once("--history", "Show earlier messages to new members"),
    json: jsonOption(options),
    timeoutMs: timeoutOption(),
  });
  return withConnection(main, options, env);
}

function leaveOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", RoomLeaveOptions, unknown> {
  return withConnection(object({ room: room(), timeoutMs: timeoutOption() }), options, env);
}

function shownOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", RoomShownOptions, unknown> {
  const main = object({ room: room(), json: jsonOption(options), timeoutMs: timeoutOption() });
  return withConnection(main, options, env);
}

function inviteOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", RoomInviteOptions, unknown> {
  const main = object({
    room: room(),
    // Not "user", which is the name of an option of the connection.
    invited: argument(userName(), { description: [text("User to invite")] }),
    timeoutMs: timeoutOption(),
  });
  return withConnection(main, options, env);
}

function room(): Parser<"sync", string, unknown> {
  return map(argument(address(), { description: [text("Room: #ops or +id")] }), (room) => {
    if (parseAddress(room).kind !== "user") return room;
    throw new UsageError(`"${room}" is not a room: write "#${room}" in quotes, or +id.`);
  });
}
