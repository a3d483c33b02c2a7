import { conversationAddress, type Message } from "../../core/messages/message.ts";
import { sanitizeLine, sanitizeLines } from "../../core/sanitize.ts";
import { PresenceState, type Room, type User } from "../../gen/chatd/v1/chat.ts";
import { eventText, textStandIn } from "../../terminal/text/event_text.ts";
import { clock, date, formatBytes } from "../../terminal/text/transcript.ts";

/** An entry of a log as scripts get it; docs/scripts.md promises the names. */
export function messageRecord(message: Message, user: string): Record<string, unknown> {
  const { conversation, seq, position, id, sender, text, replyTo, event, editedAt, attachment, reactions } = message;
  return {
    conversation,
    address: conversationAddress(conversation, user),
    seq,
    position,
    id,
    sender,
    own: sender === user,
    automatic: message.automatic ?? false,
    acceptedAt: iso(message.acceptedAt),
    text,
    ...(replyTo !== undefined && { replyTo }),
    ...(attachment !== undefined && { file: attachment }),
    ...(editedAt !== undefined && { editedAt: iso(editedAt) }),
    ...(message.deleted && { deleted: true }),
    ...(message.withheld && { withheld: true }),
    ...(reactions !== undefined && reactions.length > 0 && { reactions }),
    ...(event !== undefined && { event }),
  };
}

/** "2026-11-23 14:05 [ben] 12 ben: hi", safe for a terminal; further lines of the text are indented. */
export function messageText(message: Message, user: string): string {
  const { conversation, seq, acceptedAt, event, replyTo, attachment } = message;
  const address = sanitizeLine(conversationAddress(conversation, user));
  const start = `${date(acceptedAt)} ${clock(acceptedAt)} [${address}] ${seq}`;
  const [first, ...rest] = sanitizeLines(textStandIn(message) ?? eventText(message));
  const sender = sanitizeLine(message.sender);
  if (event !== undefined) return [`${start} * ${sender} ${first}`, ...rest.map(indent)].join("\n");
  const answers = replyTo === undefined ? "" : `(to ${replyTo}) `;
  const file = attachment === undefined || message.deleted
    ? []
    : [indent(`[file ${sanitizeLine(attachment.name)}, ${formatBytes(attachment.size)}]`)];
  return [`${start} ${sender}: ${answers}${first}`, ...rest.map(indent), ...file].join("\n");
}

/** A user as scripts get them. */
export function userRecord({ name, online, state, lastSeenMs }: User): Record<string, unknown> {
  const presence = state === PresenceState.AWAY ? "away" : online ? "online" : "offline";
  return { name, presence, ...(lastSeenMs > 0 && { lastSeenAt: iso(lastSeenMs) }) };
}

/** A room as scripts get it. */
export function roomRecord(room: Room): Record<string, unknown> {
  const { id, name, topic, historyVisible, members, createdAtMs } = room;
  const address = room.public ? `#${name}` : id;
  return { address, id, name, topic, public: room.public, historyVisible, members, createdAt: iso(createdAtMs) };
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function indent(line: string): string {
  return `    ${line}`;
}
