import type { HistoryRange } from "../../../src/core/messages/message_store.ts";
import {
  Audience,
  type Conversation,
  type HistoryRequest,
  type Message,
  Naming,
  Role,
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
