import type { Message } from "../../core/messages/message.ts";
import { idOfHex, messageIdLength } from "../../core/messages/message_id_bytes.ts";
import type { Naming } from "../../core/messages/naming.ts";
import { toAudience } from "./codes.ts";
import { decodeText } from "./column_values.ts";
import { kindCodes, toEvent } from "./entry_columns.ts";

/** An entry as it is read from the database. */
export interface EntryRow {
  readonly position: number;
  readonly conversation: string;
  readonly seq: number;
  readonly sender: string;
  /** 32 hexadecimal digits, which node:sqlite reads faster than a BLOB, or canonical text. */
  readonly id: string;
  readonly accepted_at: number;
  /** Null if it is withheld from the reader. */
  readonly text: Uint8Array | null;
  readonly ordinal: number;
  readonly kind: number;
  readonly target: number | null;
  readonly subject: string | null;
  readonly edited_at: number | null;
  readonly deleted: number;
  readonly automatic: number;
  readonly audience: number;
  /** The seq from which the message, or that of an edit, names the reader; null if it does not. */
  readonly named_since: number | null;
}

export function toMessage(entry: EntryRow): Message {
  const event = toEvent(entry);
  const audience = hasText(entry) ? toAudience(entry.audience) : undefined;
  const naming = namingOf(entry);
  return {
    position: entry.position,
    conversation: entry.conversation,
    seq: entry.seq,
    id: entry.id.length === messageIdLength ? entry.id : idOfHex(entry.id),
    sender: entry.sender,
    acceptedAt: entry.accepted_at,
    text: event?.kind === "reacted" || entry.text === null ? "" : decodeText(entry.text),
    ordinal: entry.ordinal,
    ...(event !== undefined && { event }),
    ...(event === undefined && entry.target !== null && { replyTo: entry.target }),
    ...(entry.edited_at !== null && { editedAt: entry.edited_at }),
    ...(entry.deleted !== 0 && { deleted: true }),
    ...(entry.text === null && { withheld: true }),
    ...(audience !== undefined && { audience }),
    ...(naming !== undefined && { naming }),
    ...(entry.automatic !== 0 && { automatic: true }),
  };
}

/** Returns whether the reader may see the text; an edit without one is that of a message that was deleted since. */
function hasText({ kind, text, deleted }: EntryRow): boolean {
  return text !== null && deleted === 0 && !(kind === kindCodes.edited && text.length === 0);
}

function namingOf(entry: EntryRow): Naming | undefined {
  const { seq, kind, named_since: since } = entry;
  if (since === null || !hasText(entry)) return undefined;
  return kind === kindCodes.message || since === seq ? "new" : "kept";
}
