import { ChatError } from "../chat_error.ts";
import type { RoomAction } from "./permissions.ts";
import { noSuchRoom, type RoomState } from "./room_state.ts";

/** Returns why the sender lacks a permission in a room; undefined when they have it. */
export function refuseInRoom(
  { room, sender, needs }: { room: RoomState | undefined; sender: string; needs: RoomAction | undefined },
): ChatError | undefined {
  if (room === undefined || needs === undefined || room.may(sender, needs)) return undefined;
  if (!room.may(sender, "see")) return noSuchRoom(room.isPublic ? `#${room.name}` : room.id);
  const standing = room.standing(sender);
  if (standing === "banned") {
    return new ChatError("permission_denied", `You are banned from room ${room.label}.`);
  }
  if (!room.isMember(sender)) {
    return new ChatError("permission_denied", `You are not in room ${room.label}: join it first.`);
  }
  return new ChatError(
    "permission_denied",
    `Only ${rolesWith(needs)} may do this in room ${room.label}; you are a ${standing}.`,
  );
}

function rolesWith(needs: RoomAction): string {
  return ["update", "remove_moderator", "remove_owner", "set_role"].includes(needs)
    ? "its owners"
    : "its moderators and owners";
}
