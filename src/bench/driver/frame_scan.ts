/** The items of a server's frame, read without decoding them. */
export interface ScannedFrame {
  /** Replies to sends, without those in error. */
  accepted: number;
  /** Other replies, without those in error. */
  answered: number;
  /** Items other than messages. */
  others: number;
  /** Whether there are messages. */
  hasMessages: boolean;
  receipt: number;
}

export interface ScanHandlers {
  /** Takes the message of the log at `from` to `to`. */
  onMessage(bytes: Uint8Array, from: number, to: number): void;
  /** Takes a reply, notice or the end of the session that is not a plain success, as an encoded `Item`. */
  onOther(bytes: Uint8Array, from: number, to: number): void;
}

const [itemsTag, throughTag, receiptTag] = [0x0a, 0x10, 0x1d];
const [replyTag, messageTag] = [0x0a, 0x12];
const [requestIdTag, errorTag, helloTag, sendTag] = [0x08, 0x12, 0x1a, 0x2a];

/** Reads a varint; {@link Cursor.at} is the index after it. */
class Cursor {
  at = 0;

  varint(bytes: Uint8Array): number {
    let byte = bytes[this.at++];
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let factor = 0x80;
    do {
      byte = bytes[this.at++];
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
    } while (byte >= 0x80);
    return value;
  }
}

const cursor = new Cursor();

/**
 * Reads the encoded `ServerFrame` at `from` to `to`, whose items and fields are in the order of their numbers.
 * @throws {RangeError} for a field that no frame has
 */
export function scanFrame(bytes: Uint8Array, from: number, to: number, handlers: ScanHandlers): ScannedFrame {
  const scanned: ScannedFrame = { accepted: 0, answered: 0, others: 0, hasMessages: false, receipt: 0 };
  for (let at = from; at < to;) {
    const tag = bytes[at++];
    if (tag === itemsTag) {
      cursor.at = at;
      const length = cursor.varint(bytes);
      at = cursor.at + length;
      scanItem(bytes, cursor.at, at, { scanned, handlers });
    } else if (tag === receiptTag) {
      scanned.receipt = (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
      at += 4;
    } else if (tag === throughTag) {
      cursor.at = at;
      cursor.varint(bytes);
      at = cursor.at;
    } else throw new RangeError(`a frame has no field with tag ${tag}`);
  }
  return scanned;
}

function scanItem(
  bytes: Uint8Array,
  from: number,
  to: number,
  { scanned, handlers }: { scanned: ScannedFrame; handlers: ScanHandlers },
): void {
  cursor.at = from + 1;
  if (bytes[from] === messageTag) {
    cursor.varint(bytes);
    scanned.hasMessages = true;
    handlers.onMessage(bytes, cursor.at, to);
    return;
  }
  scanned.others++;
  if (bytes[from] !== replyTag) return handlers.onOther(bytes, from, to);
  cursor.varint(bytes);
  if (bytes[cursor.at] === requestIdTag) {
    cursor.at++;
    cursor.varint(bytes);
  }
  const result = bytes[cursor.at];
  if (result === sendTag) scanned.accepted++;
  else if (result === errorTag || result === helloTag) handlers.onOther(bytes, from, to);
  else scanned.answered++;
}

/** The place of a message's fields in its bytes. */
export interface MessagePlace {
  position: number;
  conversationFrom: number;
  conversationTo: number;
  seq: number;
  senderFrom: number;
  senderTo: number;
  textFrom: number;
  isEvent: boolean;
}

const place: MessagePlace = {
  position: 0,
  conversationFrom: 0,
  conversationTo: 0,
  seq: 0,
  senderFrom: 0,
  senderTo: 0,
  textFrom: 0,
  isEvent: false,
};
const [positionTag, conversationTag, seqTag, senderTag, textTag, eventTag] = [0x08, 0x12, 0x18, 0x2a, 0x3a, 0x72];

/** Finds the fields of an encoded `Message`. The result is valid until the next call. */
export function placeOf(bytes: Uint8Array, from: number, to: number): MessagePlace {
  place.isEvent = false;
  for (cursor.at = from; cursor.at < to;) {
    const tag = bytes[cursor.at++];
    const value = cursor.varint(bytes);
    if (tag === positionTag) place.position = value;
    else if (tag === seqTag) place.seq = value;
    if ((tag & 7) !== 2) continue;
    if (tag === conversationTag) [place.conversationFrom, place.conversationTo] = [cursor.at, cursor.at + value];
    else if (tag === senderTag) [place.senderFrom, place.senderTo] = [cursor.at, cursor.at + value];
    else if (tag === textTag) place.textFrom = cursor.at;
    else if (tag === eventTag) place.isEvent = true;
    cursor.at += value;
  }
  return place;
}

/** Returns the index of a message's text; -1 for an entry without one. */
export function textOf(bytes: Uint8Array, from: number, to: number): number {
  for (cursor.at = from; cursor.at < to;) {
    const tag = bytes[cursor.at++];
    const value = cursor.varint(bytes);
    if (tag === textTag) return cursor.at;
    if ((tag & 7) === 2) cursor.at += value;
  }
  return -1;
}
