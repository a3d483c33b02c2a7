import type { LogEvent } from "../../../core/messages/log_event.ts";
import type { Attachment, Message } from "../../../core/messages/message.ts";
import type { Append, Change, ChangeResult } from "../../../core/messages/message_store.ts";
import type { NamedReaders, Naming } from "../../../core/messages/naming.ts";
import { ChatError } from "../../../core/chat_error.ts";
import { concatenate } from "../../../core/concatenate.ts";
import { isRoomId } from "../../../core/rooms/room.ts";
import { toAcceptedMessage } from "../../shared/accepted_message.ts";
import { roleCodes, toAudienceCode } from "../../shared/codes.ts";
import { encodeText } from "../../shared/column_values.ts";
import { eventColumns, kindCodes } from "../../shared/entry_columns.ts";
import { unknownUserState } from "../schema/functions/commit.ts";

const noText = new Uint8Array();

/** Parameters of `commit_1`. */
export interface EncodedChanges {
  /** JSON, without the texts. */
  readonly changes: string;
  /** The sizes of the changes' texts, in bytes. */
  readonly sizes: readonly number[];
  /** The texts, one after the other. */
  readonly texts: Uint8Array;
}

/** A result of `commit_1`. */
export type EncodedResult =
  | {
    readonly kind: "accepted";
    readonly position: number;
    readonly seq: number;
    readonly ordinal: number;
    /** That of the conversation. */
    readonly key: number;
    readonly attachment: Attachment | null;
    readonly named: { readonly users: Readonly<Record<string, Naming>>; readonly others: Naming | null } | null;
  }
  | { readonly kind: "duplicate"; readonly position: number; readonly seq: number; readonly acceptedAt: number }
  | { readonly kind: "failed"; readonly state: string; readonly reason: string }
  | Exclude<ChangeResult, { readonly kind: "accepted" | "duplicate" | "failed" }>;

/** Encodes changes for `commit_1`: absent and false values are left out. */
export function encodeChanges(changes: readonly Change[]): EncodedChanges {
  const texts: Uint8Array[] = [];
  const encoded = changes.map((change) => {
    if (change.kind !== "append") {
      texts.push(noText);
      return encodeMove(change);
    }
    const columns = columnsOf(change);
    // The function needs the text of an edit, which the entry does not have.
    texts.push(encodeText(change.event?.kind === "edited" ? change.text : columns.text));
    return encodeAppend(change, columns);
  });
  const sizes = texts.map(({ length }) => length);
  return { changes: JSON.stringify(encoded), sizes, texts: concatenate(texts) };
}

function encodeMove(move: Exclude<Change, Append>) {
  switch (move.kind) {
    case "move_cursor":
      return { change: move.kind, device: move.deviceId, consumer: move.consumer, position: move.position };
    case "move_read": {
      const { conversation, user, seq, ownOnly } = move;
      return { change: move.kind, in: conversation, user, seq, ...(ownOnly && { ownOnly }) };
    }
  }
}

type Columns = ReturnType<typeof eventColumns>;

function columnsOf({ event, replyTo, text }: Append): Columns {
  if (event !== undefined) return eventColumns(event, text);
  return { kind: kindCodes.message, target: replyTo ?? null, subject: null, text };
}

/** Keys that are columns have the column's value; the keys of users and conversations are not known here. */
function encodeAppend(append: Append, { kind, target, subject }: Columns) {
  const { conversation, members, sender, event, mentions, here, uploadId, refused } = append;
  return {
    change: append.kind,
    in: conversation,
    ...(isRoomId(conversation) && { room: true }),
    members,
    by: sender,
    ...(subject !== null && { about: subject }),
    id: append.id,
    accepted_at: append.acceptedAt,
    kind,
    target,
    automatic: append.automatic ? 1 : 0,
    audience: toAudienceCode(append.audience),
    ...(mentions && { mentions }),
    ...(here && { here }),
    ...(uploadId !== undefined && { upload: uploadId }),
    ...(refused && { refused }),
    ...(event && roomSettings(event)),
  };
}

function roomSettings(event: LogEvent) {
  if (event.kind !== "room_created" && event.kind !== "room_changed") return undefined;
  return {
    public: Number(event.isPublic),
    history_visible: Number(event.historyVisible),
    ...(event.kind === "room_changed" && { mention_all: roleCodes[event.mentionAll] }),
  };
}

/** Decodes the result of a change. */
export function decodeResult(change: Change, result: EncodedResult): ChangeResult {
  switch (result.kind) {
    case "accepted": {
      const named = result.named === null ? undefined : toNamedReaders(result.named);
      return { kind: "accepted", message: toMessage(change as Append, result), ...(named && { named }) };
    }
    case "duplicate": {
      const { position, seq, acceptedAt } = result;
      return {
        kind: "duplicate",
        accepted: { position, conversation: (change as Append).conversation, seq, acceptedAt },
      };
    }
    case "failed": {
      const { state, reason } = result;
      return {
        kind: "failed",
        cause: state === unknownUserState ? new ChatError("not_found", reason) : new Error(reason),
      };
    }
    default:
      return result;
  }
}

function toMessage(append: Append, result: EncodedResult & { readonly kind: "accepted" }): Message {
  const { position, seq, ordinal, attachment } = result;
  return toAcceptedMessage(append, { position, seq, ordinal, attachment: attachment ?? undefined });
}

function toNamedReaders(
  { users, others }: { readonly users: Readonly<Record<string, Naming>>; readonly others: Naming | null },
): NamedReaders {
  return { users: new Map(Object.entries(users)), others: others ?? undefined };
}
