import { Operator } from "../../app/operator.ts";
import type { MemberRole } from "../../core/rooms/room.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { processOutput } from "../../host/process_output.ts";
import { describeMentionAll } from "../../terminal/text/room_text.ts";
import { exitCode } from "../exit_code.ts";
import type { StoreOptions } from "../options/data_folder.ts";
import { requireSure } from "../require_sure.ts";

export interface RoomOptions extends StoreOptions {
  /** "#ops" or "+id". */
  readonly room: string;
}

export interface RoomAddOptions extends RoomOptions {
  readonly user: string;
}

export interface RoomSetOptions extends RoomOptions {
  /** The lowest role that may mention all members. */
  readonly mentions: MemberRole;
}

export interface RoomDeleteOptions extends RoomOptions {
  /** The operator has confirmed the deletion. */
  readonly yes: boolean;
}

export async function listRooms({ place }: StoreOptions): Promise<number> {
  for await (const { id, name, isPublic, memberCount, createdAt, topic } of new Operator(place).listRooms()) {
    const access = isPublic ? "public" : "private";
    const created = new Date(createdAt).toISOString();
    processOutput.stdout([id, `#${name}`, access, memberCount, created, sanitizeLine(topic)].join("\t"));
  }
  return exitCode.done;
}

export async function showRoom({ room: address, place }: RoomOptions): Promise<number> {
  const { room, people } = await new Operator(place).showRoom(address);
  const lines = [
    `${room.id} #${room.name}`,
    `topic: ${sanitizeLine(room.topic)}`,
    `access: ${room.isPublic ? "public" : "private"}, history ${
      room.historyVisible ? "shown" : "not shown"
    } to new members`,
    `mentions: ${describeMentionAll(room.mentionAll)}`,
    `created: ${new Date(room.createdAt).toISOString()}`,
    `members: ${room.memberCount}`,
    ...people.map(({ user, role }) => `${user}\t${role}`),
  ];
  for (const line of lines) processOutput.stdout(line);
  return exitCode.done;
}

/** Sets who may mention all members of a room. */
export async function setRoom({ room: address, mentions, place }: RoomSetOptions): Promise<number> {
  const room = await new Operator(place).setMentionAll(address, mentions);
  processOutput.stdout(`In room #${room.name} (${room.id}), ${describeMentionAll(mentions)}.`);
  return exitCode.done;
}

/** Adds a user to a room, also to a private one. */
export async function addToRoom({ room: address, user, place }: RoomAddOptions): Promise<number> {
  const room = await new Operator(place).addToRoom(address, user);
  processOutput.stdout(`Added ${user} to room #${room.name} (${room.id}).`);
  return exitCode.done;
}

export async function deleteRoom({ room: address, place, yes }: RoomDeleteOptions): Promise<number> {
  requireSure(yes, `This permanently erases room ${address} with all of its messages`);
  const room = await new Operator(place).deleteRoom(address);
  processOutput.stdout(`Deleted room #${room.name} (${room.id}), which had ${room.memberCount} members.`);
  return exitCode.done;
}
