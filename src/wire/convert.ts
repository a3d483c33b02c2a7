import { type ChatError, toChatError } from "../core/chat_error.ts";
import type { Credentials, Identity } from "../core/accounts.ts";
import type { DeviceRecord } from "../core/account_store.ts";
import { type Accepted, conversationAddress, type Message } from "../core/message.ts";
import type { ConversationSummary, HistoryPage } from "../core/message_store.ts";
import type { Credentials as WireCredentials, Device } from "../gen/chatd/v1/auth.ts";
import type {
  Conversation,
  HistoryResponse,
  Message as WireMessage,
  SendResponse,
  WhoAmIResponse,
} from "../gen/chatd/v1/chat.ts";
import type { Error as WireError } from "../gen/chatd/v1/session.ts";

export function toWireMessage(message: Message): WireMessage {
  return {
    position: message.position,
    conversation: message.conversation,
    seq: message.seq,
    id: message.id,
    sender: message.sender,
    acceptedAtMs: message.acceptedAt,
    text: message.text,
  };
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
    firstSeq: page.messages.at(0)?.seq ?? 0,
    lastSeq: page.messages.at(-1)?.seq ?? 0,
    headSeq: page.headSeq,
    more: page.more,
  };
}

export function toWireConversation(summary: ConversationSummary, user: string): Conversation {
  return {
    address: conversationAddress(summary.conversation, user),
    conversation: summary.conversation,
    headSeq: summary.headSeq,
    last: toWireMessage(summary.last),
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

/** Unexpected errors are shown without their detail. */
export function toWireError(thrown: unknown): WireError {
  const error: ChatError = toChatError(thrown);
  return { code: error.code, message: error.message, retryAfterMs: error.retryAfterMs ?? 0 };
}
