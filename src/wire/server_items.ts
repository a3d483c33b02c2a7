import type { Message } from "../core/message.ts";
import type { Notice } from "../core/notice.ts";
import { Item } from "../gen/chatd/v1/session.ts";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { toWireMessage } from "./convert.ts";
import { toWireNotice } from "./notices.ts";

const itemsTag = (1 << 3) | 2;
const throughTag = (2 << 3) | 0;
const receiptTag = (3 << 3) | 5;

/** One entry of `ServerFrame.items` with its tag and length: a frame is these one after the other. */
export function encodeItem(kind: NonNullable<Item["kind"]>): Uint8Array {
  return Item.encode({ kind }, new BinaryWriter().uint32(itemsTag).fork()).join().finish();
}

const encodedMessages = new WeakMap<Message, Uint8Array>();

/** Like {@link encodeItem}, once for all receivers of the message. */
export function encodeMessageItem(message: Message): Uint8Array {
  let item = encodedMessages.get(message);
  if (item === undefined) {
    item = encodeItem({ $case: "message", value: toWireMessage(message) });
    encodedMessages.set(message, item);
  }
  return item;
}

const encodedNotices = new WeakMap<Notice, Uint8Array>();

/** Like {@link encodeItem}, once for all receivers of the notice. */
export function encodeNoticeItem(notice: Notice): Uint8Array {
  let item = encodedNotices.get(notice);
  if (item === undefined) {
    item = encodeItem(toWireNotice(notice));
    encodedNotices.set(notice, item);
  }
  return item;
}

/** Makes a `ServerFrame` of encoded items; `through` 0 says nothing of positions, `receipt` 0 that there is none. */
export function encodeServerFrame(
  items: readonly Uint8Array[],
  { through, receipt }: { through: number; receipt: number },
): Uint8Array {
  const writer = new BinaryWriter();
  for (const item of items) writer.raw(item);
  if (through > 0) writer.uint32(throughTag).uint64(through);
  if (receipt > 0) writer.uint32(receiptTag).fixed32(receipt);
  return writer.finish();
}
