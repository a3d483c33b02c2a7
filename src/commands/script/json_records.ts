import { conversationAddress, type Message, type Pin } from "../../core/messages/message.ts";
import { Device } from "../../gen/chatd/v1/auth.ts";
import { Member } from "../../gen/chatd/v1/rooms.ts";
import { Message as WireMessage, Room, User } from "../../gen/chatd/v1/chat.ts";
import { toWireMessage } from "../../wire/convert.ts";
import { jsonObject } from "../../wire/json_messages.ts";
import type { NamedRoom } from "./room_names.ts";

// Objects that scripts get: proto3 JSON of the protocol's types, with fields of the commands after theirs.
// docs/scripts.md promises the names.

/**
 * An entry of a log as `user` gets it: with the address of its conversation, the name of its room, and `own` when they
 * sent it.
 */
export function messageRecord(
  message: Message,
  user: string,
  { room }: { room?: NamedRoom } = {},
): Record<string, unknown> {
  return {
    ...jsonObject("chatd.v1.Message", WireMessage.encode(toWireMessage(message)).finish()),
    address: conversationAddress(message.conversation, user),
    ...(room !== undefined && { room: `#${room.name}` }),
    ...(message.sender === user && { own: true }),
  };
}

/** A pinned message like {@link messageRecord}, with the user who pinned it and the time of that. */
export function pinRecord(pin: Pin, user: string, { room }: { room?: NamedRoom } = {}): Record<string, unknown> {
  return {
    ...messageRecord(pin.message, user, { room }),
    pinnedBy: pin.user,
    pinnedAtMs: `${pin.pinnedAt}`,
  };
}

export function userRecord(user: User): Record<string, unknown> {
  return jsonObject("chatd.v1.User", User.encode(user).finish());
}

export function deviceRecord(device: Device): Record<string, unknown> {
  return jsonObject("chatd.v1.Device", Device.encode(device).finish());
}

export function memberRecord(member: Member): Record<string, unknown> {
  return jsonObject("chatd.v1.Member", Member.encode(member).finish());
}

/** A room with its address; `invitedBy` names the inviter in an invitation. */
export function roomRecord(room: Room, { invitedBy }: { invitedBy?: string } = {}): Record<string, unknown> {
  return {
    ...jsonObject("chatd.v1.Room", Room.encode(room).finish()),
    address: room.public ? `#${room.name}` : room.id,
    ...(invitedBy !== undefined && { invitedBy }),
  };
}
