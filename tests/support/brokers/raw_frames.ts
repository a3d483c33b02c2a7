import type { Socket } from "node:net";
import type { ChannelModel } from "amqplib";

/** A string of AMQP 0-9-1 with its length in one byte. */
export function shortText(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}

/** A length in four bytes, and then the bytes: a long string, a table or an array. */
export function counted(bytes: Buffer): Buffer {
  return Buffer.concat([longLength(bytes.length), bytes]);
}

/** A field value with its tag. */
export function tagged(tag: string, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(tag, "latin1"), bytes]);
}

/** A table of a table of a table: amqplib would not encode as many as a broker passes on. */
export function nestedTable(depth: number): Buffer {
  const key = Buffer.concat([shortText("a"), Buffer.from("F")]);
  const levels: Buffer[] = [];
  let length = 0;
  for (let level = 0; level < depth; level++) {
    const entry = Buffer.concat([key, longLength(length)]);
    levels.unshift(entry);
    length += entry.length;
  }
  return Buffer.concat([longLength(length), ...levels]);
}

/** A method frame of AMQP 0-9-1 on channel 0. */
export function methodFrame(id: [classId: number, methodId: number], fields: Buffer[]): Buffer {
  const [classId, methodId] = id;
  return frame(1, 0, Buffer.concat([Buffer.from([0, classId, 0, methodId]), ...fields]));
}

export interface RawPublish {
  readonly exchange: string;
  readonly routingKey: string;
  /** The property `user_id`. */
  readonly user: string;
  /** The table, with its length. */
  readonly headers: Buffer;
}

/** The frames of `basic.publish` of AMQP 0-9-1 with one byte of body and no `reply_to`. */
export function publishFrames(channel: number, { exchange, routingKey, user, headers }: RawPublish): Buffer {
  const method = [Buffer.from([0, 60, 0, 40, 0, 0]), shortText(exchange), shortText(routingKey), Buffer.from([0])];
  const size = Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]);
  const hasHeadersAndUser = Buffer.from([0x20, 0x10]);
  const properties = [Buffer.from([0, 60, 0, 0]), size, hasHeadersAndUser, headers, shortText(user)];
  return Buffer.concat([
    frame(1, channel, Buffer.concat(method)),
    frame(2, channel, Buffer.concat(properties)),
    frame(3, channel, Buffer.from([0])),
  ]);
}

/** Writes {@link publishFrames} past amqplib's encoder. */
export function publishRaw(model: ChannelModel, channel: number, message: RawPublish): void {
  const { stream } = model.connection as unknown as { stream: Socket };
  stream.write(publishFrames(channel, message));
}

function longLength(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

function frame(type: number, channel: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([0xce])]);
}
