import type { HistoryRange } from "../../../src/core/messages/message_store.ts";
import {
  Audience,
  type Conversation,
  type HistoryRequest,
  type Message,
  Naming,
  Role,
  type Room,
  type SendRequest,
} from "../../../src/gen/chatd/v1/chat.ts";

/** The newest messages of a log, without events. */
export const newest: HistoryRange = { beforeSeq: 0, afterSeq: 0, fromMs: 0, events: false };

export function historyRequest(request: Partial<HistoryRequest> & { with: string }): HistoryRequest {
  return { ...newest, limit: 0, ...request };
}

export function sendRequest(
  request: Partial<SendRequest> & { to: string; id: string; text: string },
): SendRequest {
  return { replyToSeq: 0, uploadId: "", automatic: false, ...request };
}

/** A plain message as it is on the wire. */
export function wireMessage(message: Partial<Message>): Message {
  return {
    position: 0,
    conversation: "ana:ben",
    seq: 0,
    id: "",
    sender: "ana",
    acceptedAtMs: 0,
    text: "",
    replyToSeq: 0,
    ordinal: 0,
    editedAtMs: 0,
    deleted: false,
    automatic: false,
    withheld: false,
    audience: Audience.UNSPECIFIED,
    naming: Naming.UNSPECIFIED,
    reactions: [],
    pinned: false,
    attachment: undefined,
    event: undefined,
    ...message,
  };
}

/** A conversation as it is on the wire. */
export function wireConversation(conversation: Partial<Conversation> & { address: string }): Conversation {
  return {
    conversation: "ana:ben",
    headSeq: 0,
    last: undefined,
    room: undefined,
    role: Role.MEMBER,
    unread: 0,
    mentions: 0,
    readSeq: 0,
    peerReadSeq: 0,
    peerDeliveredSeq: 0,
    invitedBy: "",
    position: 0,
    displayName: "",
    status: "",
    ...conversation,
  };
}

/** The id of `wireRoom`'s room. */
export const roomId = `+${"k2".repeat(13)}`;

/** The private room "#ops" of two members, one of them the reader, as it is on the wire. */
export function wireRoom(conversation: Partial<Conversation> = {}, room: Partial<Room> = {}): Conversation {
  const { id = roomId } = room;
  return wireConversation({
    address: id,
    conversation: id,
    room: {
      id,
      name: "ops",
      public: false,
      historyVisible: false,
      topic: "",
      members: 2,
      createdAtMs: 0,
      mentionAll: Role.MODERATOR,
      ...room,
    },
    ...conversation,
  });
}
