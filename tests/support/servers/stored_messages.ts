import type { DeviceRecord, UserRecord } from "../../../src/core/accounts/account_store.ts";
import { directConversation, type Message } from "../../../src/core/messages/message.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import type { Append, ChangeResult, ExclusiveMessageStore } from "../../../src/core/messages/message_store.ts";

export function userRecord(name: string, rest: Partial<UserRecord> = {}): UserRecord {
  return { name, passwordHash: `hash of ${name}`, disabled: false, createdAt: 1_000, ...rest };
}

export function deviceRecord(id: string, user: string, rest: Partial<DeviceRecord> = {}): DeviceRecord {
  return {
    id,
    user,
    name: "laptop",
    tokenHash: `token of ${id}`,
    createdAt: 1_000,
    lastUsedAt: 2_000,
    expiresAt: 3_000,
    ...rest,
  };
}

/** A range of history without bounds, of messages only. */
export const wholeLog = { beforeSeq: 0, afterSeq: 0, fromMs: 0, events: false };

/** What the core would append when `sender` writes to `to`. */
export function directAppend(
  sender: string,
  to: string,
  rest: { text?: string; id?: string; acceptedAt?: number } = {},
): Append {
  const { text = "hello", id = createMessageId(), acceptedAt = 1_700_000_000_000 } = rest;
  const conversation = directConversation(sender, to);
  return { kind: "append", conversation, members: [...new Set([sender, to])], id, sender, acceptedAt, text };
}

/** An entry of a room, or any entry of a conversation that is there already. */
export function entryAppend(conversation: string, sender: string, rest: Partial<Append> = {}): Append {
  return {
    kind: "append",
    conversation,
    members: [],
    id: createMessageId(),
    sender,
    acceptedAt: 1_700_000_000_000,
    text: "",
    ...rest,
  };
}

export function acceptedMessage(result: ChangeResult): Message {
  if (result.kind === "accepted") return result.message;
  throw new Error(`Expected an accepted message, got ${result.kind}`, { cause: result });
}

/** Commits one append. */
export async function accept(store: ExclusiveMessageStore, append: Append): Promise<Message> {
  return acceptedMessage((await store.commit([append]))[0]);
}
