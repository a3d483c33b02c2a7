import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Accepted, Message } from "../core/messages/message.ts";
import { messageIdLength } from "../core/messages/message_id_bytes.ts";
import type { Naming } from "../core/messages/naming.ts";
import { PlainMessage } from "../core/messages/plain_batch.ts";
import type { Notice } from "../core/people/notice.ts";
import { Item, type Reply } from "../gen/chatd/v1/session.ts";
import { toWireMessage } from "./convert.ts";
import { ItemBytes } from "./item_bytes.ts";
import { toWireNotice } from "./notices.ts";

const itemsTag = (1 << 3) | 2;

/** Keeps its memory between items. */
let writer = new BinaryWriter();

/** Encodes one entry of `ServerFrame.items` with its tag and length: a frame is a sequence of these. */
export function encodeItem(kind: NonNullable<Item["kind"]>): Uint8Array {
  try {
    return Item.encode({ kind }, writer.uint32(itemsTag).fork()).join().finish();
  } catch (error) {
    // The writer holds half an item.
    writer = new BinaryWriter();
    throw error;
  }
}

const bytes = new ItemBytes();

/** Encodes the reply to a request like {@link encodeItem}. */
export function encodeReply(requestId: number, result: NonNullable<Reply["result"]>): Uint8Array {
  return encodeItem({ $case: "reply", value: { requestId, result } });
}

/** Encodes the reply to a send that was accepted like {@link encodeItem}, in a fifth of the time. */
export function encodeSendReply(requestId: number, accepted: Accepted & { duplicate?: boolean }): Uint8Array {
  bytes.begin(6, accepted.conversation.length);
  bytes.number(8, accepted.position);
  bytes.string(18, accepted.conversation);
  bytes.number(24, accepted.seq);
  bytes.number(32, accepted.acceptedAt);
  bytes.bool(40, accepted.duplicate ?? false);
  bytes.within(42);
  bytes.numberBefore(8, requestId);
  bytes.within(10);
  bytes.within(itemsTag);
  return bytes.end();
}

/** The newest message that was encoded, and the newest one of each mark for its readers. */
let latest: EncodedMessage | undefined;
const latestNaming = new Map<Naming, EncodedMessage>();

interface EncodedMessage {
  readonly message: Message;
  readonly item: Uint8Array;
}

/** Encodes a message like {@link encodeItem}, but only once for consecutive receivers with the same mark. */
export function encodeMessageItem(message: Message): Uint8Array {
  const { naming } = message;
  const before = naming === undefined ? latest : latestNaming.get(naming);
  if (before?.message === message) return before.item;
  const encoded = { message, item: encodeMessage(message) };
  if (naming === undefined) latest = encoded;
  else latestNaming.set(naming, encoded);
  return encoded.item;
}

/** Writes the fields of most messages by hand, in a fifth of the time. */
function encodeMessage(message: Message): Uint8Array {
  if (message instanceof PlainMessage) return encodePlainMessage(message);
  const { event, attachment, reactions, pinned, withheld, audience, naming } = message;
  const isUsual = event === undefined && attachment === undefined && reactions === undefined;
  if (!isUsual || pinned || withheld || audience !== undefined || naming !== undefined) {
    return encodeItem({ $case: "message", value: toWireMessage(message) });
  }
  const { conversation, id, sender, text } = message;
  bytes.begin(12, conversation.length + id.length + sender.length + text.length);
  bytes.number(8, message.position);
  bytes.string(18, conversation);
  bytes.number(24, message.seq);
  bytes.string(34, id);
  bytes.string(42, sender);
  bytes.number(48, message.acceptedAt);
  bytes.string(58, text);
  bytes.number(64, message.replyTo ?? 0);
  bytes.number(72, message.ordinal);
  bytes.number(80, message.editedAt ?? 0);
  bytes.bool(88, message.deleted ?? false);
  bytes.bool(120, message.automatic ?? false);
  bytes.within(18);
  bytes.within(itemsTag);
  return bytes.end();
}

function encodePlainMessage(
  { position, conversation, seq, idBytes, sender, acceptedAt, textBytes, ordinal }: PlainMessage,
) {
  bytes.begin(9, conversation.length + messageIdLength + sender.length + textBytes.length);
  bytes.number(8, position);
  bytes.string(18, conversation);
  bytes.number(24, seq);
  bytes.id(34, idBytes);
  bytes.string(42, sender);
  bytes.number(48, acceptedAt);
  bytes.octets(58, textBytes);
  bytes.number(72, ordinal);
  bytes.within(18);
  bytes.within(itemsTag);
  return bytes.end();
}

const encodedNotices = new WeakMap<Notice, Uint8Array>();

/** Encodes a notice like {@link encodeItem}, but only once for all receivers. */
export function encodeNoticeItem(notice: Notice): Uint8Array {
  let item = encodedNotices.get(notice);
  if (item === undefined) {
    item = encodeItem(toWireNotice(notice));
    encodedNotices.set(notice, item);
  }
  return item;
}
