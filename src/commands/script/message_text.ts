import { conversationAddress, type Message } from "../../core/messages/message.ts";
import { sanitizeLine, sanitizeLines } from "../../core/sanitize.ts";
import { eventText, textStandIn } from "../../terminal/text/event_text.ts";
import { formatBytes } from "../../terminal/text/byte_size.ts";
import { clock, date } from "../../terminal/text/local_clock.ts";
import type { NamedRoom } from "./room_names.ts";

/**
 * Formats an entry as "2026-11-23 14:05 [ben] 12 ben: hi", safe for a terminal, with further lines indented. A public
 * room is "#ops", a private one "#boss +k2…", because others may have its name.
 */
export function messageText(message: Message, user: string, { room }: { room?: NamedRoom } = {}): string {
  const { conversation, seq, acceptedAt, event, replyTo, attachment } = message;
  const address = sanitizeLine(label(conversationAddress(conversation, user), room));
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

function label(address: string, room: NamedRoom | undefined): string {
  if (room === undefined) return address;
  return room.isPublic ? `#${room.name}` : `#${room.name} ${address}`;
}

function indent(line: string): string {
  return `    ${line}`;
}
