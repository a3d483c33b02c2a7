import type { ChatClient } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import type { Room } from "../../gen/chatd/v1/chat.ts";
import type { Member } from "../../gen/chatd/v1/rooms.ts";
import { fromWireRole } from "../../wire/events.ts";
import { exitCode } from "../exit_code.ts";
import { roomFormat } from "./run_lists.ts";
import { type ConnectionChoice, openConnection } from "../script/connection.ts";
import { joinAsNeeded } from "../script/join_room.ts";
import { jsonLine, Output, printNotice } from "../script/output.ts";
import { withClient } from "../script/request_client.ts";

interface RequestOptions {
  readonly connection: ConnectionChoice;
  /** How long the command may take, with retries, in milliseconds; one attempt unless given. */
  readonly timeoutMs?: number;
}

interface PrintOptions extends RequestOptions {
  /** Prints one JSON object per line. */
  readonly json: boolean;
}

export interface RoomCreateOptions extends PrintOptions {
  /** "ops" or "#ops". */
  readonly name: string;
  readonly isPrivate: boolean;
  /** Shows earlier messages to new members. */
  readonly historyVisible: boolean;
}

export interface RoomLeaveOptions extends RequestOptions {
  /** "#ops" or "+id". */
  readonly room: string;
}

/** Options of `chatd rooms join` and `members`. */
export interface RoomShownOptions extends RoomLeaveOptions, PrintOptions {}

export interface RoomInviteOptions extends RoomLeaveOptions {
  readonly invited: string;
}

/** Creates a room and prints it. */
export async function createRoom({ name, isPrivate, historyVisible, ...options }: RoomCreateOptions): Promise<number> {
  return await printRoom(options, (client) => client.rooms.create({ name, public: !isPrivate, historyVisible }));
}

/** Joins a room and prints it. Succeeds for members too. */
export async function joinRoom({ room, ...options }: RoomShownOptions): Promise<number> {
  return await printRoom(options, async (client) => {
    const joined = await joinAsNeeded(client, room) ?? (await client.conversation(room)).room;
    if (joined !== undefined) return joined;
    throw new ChatError("internal", "The server answered without the room.");
  });
}

/** Leaves a room, or declines an invitation. */
export async function leaveRoom({ room, ...options }: RoomLeaveOptions): Promise<number> {
  await request(options, (client) => client.rooms.leave(room));
  printNotice(`Left ${room}.`);
  return exitCode.done;
}

/** Invites a user to a room. */
export async function inviteToRoom({ room, invited, ...options }: RoomInviteOptions): Promise<number> {
  await request(options, (client) => client.rooms.invite(room, invited));
  printNotice(`Invited ${invited} to ${room}.`);
  return exitCode.done;
}

/** Prints the members of a room by name, with their roles. */
export async function listMembers({ room, ...options }: RoomShownOptions): Promise<number> {
  const format = await memberFormat(options);
  const output = new Output();
  await request(options, async (client) => {
    for (let after = "", more = true; more;) {
      const page = await client.rooms.members(room, { after });
      for (const member of page.members) {
        if (!await output.line(format(member))) return;
      }
      more = page.more && page.members.length > 0;
      after = page.members.at(-1)?.user ?? "";
    }
  });
  return exitCode.done;
}

async function memberFormat({ json }: PrintOptions): Promise<(member: Member) => string> {
  if (!json) {
    return ({ user, role, online }) =>
      [user, fromWireRole(role) ?? "unknown", online ? "online" : "offline"].map(sanitizeLine).join("\t");
  }
  const { memberRecord } = await import("../script/json_records.ts");
  return (member) => jsonLine(memberRecord(member));
}

async function printRoom(options: PrintOptions, work: (client: ChatClient) => Promise<Room>): Promise<number> {
  const format = await roomFormat(options);
  await new Output().line(format({ room: await request(options, work) }));
  return exitCode.done;
}

async function request<T>(
  { connection, timeoutMs }: RequestOptions,
  work: (client: ChatClient) => Promise<T>,
): Promise<T> {
  return await withClient(await openConnection(connection), work, { timeoutMs });
}
