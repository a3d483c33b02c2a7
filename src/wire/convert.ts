import type { DeviceRecord } from "../core/accounts/account_store.ts";
import type { Credentials, Identity } from "../core/accounts/accounts.ts";
import { type ChatError, toChatError } from "../core/chat_error.ts";
import { type Accepted, conversationAddress, type Message, type Pin } from "../core/messages/message.ts";
import type { ConversationSummary, HistoryPage } from "../core/messages/message_store.ts";
import type { Room } from "../core/rooms/room.ts";
import type { Credentials as WireCredentials, Device } from "../gen/chatd/v1/auth.ts";
import {
  Audience,
  type Conversation,
  type HistoryResponse,
  type Message as WireMessage,
  Naming,
  type Pin as WirePin,
  type Room as WireRoom,
  type SendResponse,
  type WhoAmIResponse,
} from "../gen/chatd/v1/chat.ts";
import type { Error as WireError } from "../gen/chatd/v1/session.ts";
import { fromWireEvent, toWireEvent, toWireRole } from "./events.ts";

export function toWireMessage(message: Message): WireMessage {
  return {
    position: message.position,
    conversation: message.conversation,
    seq: message.seq,
    id: message.id,
    sender: message.sender,
    acceptedAtMs: message.acceptedAt,
    text: message.text,
    replyToSeq: message.replyTo ?? 0,
    ordinal: message.ordinal,
    editedAtMs: message.editedAt ?? 0,
    deleted: message.deleted ?? false,
    automatic: message.automatic ?? false,
    withheld: message.withheld ?? false,
    audience: toWireAudience(message.audience),
    naming: toWireNaming(message.naming),
    reactions: [...message.reactions ?? []],
    attachment: message.attachment &&
      { ...message.attachment, sha256: Uint8Array.fromHex(message.attachment.sha256) },
    event: message.event && toWireEvent(message.event),
    pinned: message.pinned ?? false,
  };
}

export function toWirePin({ message, user, pinnedAt, position }: Pin): WirePin {
  return { message: toWireMessage(message), user, pinnedAtMs: pinnedAt, position };
}

function toWireAudience(audience: Message["audience"]): Audience {
  return audience === undefined ? Audience.UNSPECIFIED : audience === "room" ? Audience.ROOM : Audience.HERE;
}

function toWireNaming(naming: Message["naming"]): Naming {
  return naming === undefined ? Naming.UNSPECIFIED : naming === "new" ? Naming.NEW : Naming.KEPT;
}

/** Returns undefined for an event of a kind that this program does not know. */
export function fromWireMessage(message: WireMessage): Message | undefined {
  const { replyToSeq, editedAtMs, deleted, reactions, pinned, attachment, automatic, withheld, audience, naming } =
    message;
  const event = message.event && fromWireEvent(message.event);
  if (message.event !== undefined && event === undefined) return undefined;
  return {
    position: message.position,
    conversation: message.conversation,
    seq: message.seq,
    id: message.id,
    sender: message.sender,
    acceptedAt: message.acceptedAtMs,
    text: message.text,
    ordinal: message.ordinal,
    ...(replyToSeq > 0 && { replyTo: replyToSeq }),
    ...(editedAtMs > 0 && { editedAt: editedAtMs }),
    ...(deleted && { deleted }),
    ...(audience === Audience.ROOM && { audience: "room" }),
    ...(audience === Audience.HERE && { audience: "here" }),
    ...(naming === Naming.NEW && { naming: "new" }),
    ...(naming === Naming.KEPT && { naming: "kept" }),
    ...(automatic && { automatic }),
    ...(withheld && { withheld }),
    ...(reactions.length > 0 && { reactions }),
    ...(pinned && { pinned }),
    ...(attachment !== undefined && { attachment: { ...attachment, sha256: attachment.sha256.toHex() } }),
    ...(event !== undefined && { event }),
  };
}

/** Returns undefined for a pin without a message that this program knows. */
export function fromWirePin({ message: wire, user, pinnedAtMs, position }: WirePin): Pin | undefined {
  const message = wire && fromWireMessage(wire);
  return message && { message, user, pinnedAt: pinnedAtMs, position };
}

export function toSendResponse(accepted: Accepted & { duplicate: boolean }): SendResponse {
  return {
    position: accepted.position,
    conversation: accepted.conversation,
    seq: accepted.seq,
    acceptedAtMs: accepted.acceptedAt,
    duplicate: accepted.duplicate,
  };
}

export function toHistoryResponse(page: HistoryPage): HistoryResponse {
  return {
    messages: page.messages.map(toWireMessage),
    firstSeq: page.firstSeq,
    lastSeq: page.lastSeq,
    headSeq: page.headSeq,
    more: page.more,
    startSeq: page.startSeq,
    moreAfter: page.moreAfter,
  };
}

export function toWireRoom(room: Room): WireRoom {
  return {
    id: room.id,
    name: room.name,
    topic: room.topic,
    public: room.isPublic,
    historyVisible: room.historyVisible,
    mentionAll: toWireRole(room.mentionAll),
    members: room.memberCount,
    createdAtMs: room.createdAt,
  };
}

/** Converts a conversation of `user`; `profile` is the peer's, empty for a room. */
export function toWireConversation(
  summary: ConversationSummary,
  { user, profile }: { user: string; profile: { displayName: string; status: string } },
): Conversation {
  return {
    address: conversationAddress(summary.conversation, user),
    conversation: summary.conversation,
    headSeq: summary.headSeq,
    last: summary.last && toWireMessage(summary.last),
    room: summary.room && toWireRoom(summary.room),
    role: toWireRole(summary.role),
    unread: summary.unread,
    mentions: summary.mentions,
    readSeq: summary.readSeq,
    peerReadSeq: summary.peerReadSeq,
    peerDeliveredSeq: summary.peerDeliveredSeq,
    invitedBy: summary.invitedBy ?? "",
    position: summary.position,
    ...profile,
  };
}

export function toWireCredentials(credentials: Credentials): WireCredentials {
  return {
    user: credentials.user,
    token: credentials.token,
    deviceId: credentials.deviceId,
    expiresAtMs: credentials.expiresAt,
  };
}

export function toWhoAmIResponse(identity: Identity): WhoAmIResponse {
  return {
    user: identity.user,
    deviceId: identity.deviceId,
    deviceName: identity.deviceName,
    tokenExpiresAtMs: identity.tokenExpiresAt,
  };
}

export function toWireDevice(device: DeviceRecord, state: { current: boolean; online: boolean }): Device {
  return {
    id: device.id,
    name: device.name,
    createdAtMs: device.createdAt,
    lastUsedAtMs: device.lastUsedAt,
    expiresAtMs: device.expiresAt,
    ...state,
  };
}

/** Converts an error; an unexpected one loses its detail. */
export function toWireError(thrown: unknown): WireError {
  const error: ChatError = toChatError(thrown);
  return { code: error.code, message: error.message, retryAfterMs: error.retryAfterMs ?? 0 };
}
