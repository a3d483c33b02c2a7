import { ChatError, toChatError } from "../core/chat_error.ts";
import { ServerFrame } from "../gen/chatd/v1/session.ts";
import { toWireError } from "../wire/convert.ts";
import { binaryFromJson, jsonFromBinary } from "../wire/json_messages.ts";
import { maxFrameBytes } from "../wire/limits.ts";
import { decodeStrictly, type MessageDecoder } from "../wire/strict_reader.ts";
import { messageTypes, type PayloadFormat } from "./message_types.ts";

export interface DecodeOptions<T> {
  /** Generated code for the message type `name`. */
  readonly decoder: MessageDecoder<T>;
  readonly name: string;
  readonly format: PayloadFormat;
}

/** Decodes a message. @throws {ChatError} `invalid_argument` when it is too long or malformed */
export function decodePayload<T>(content: Uint8Array, { decoder, name, format }: DecodeOptions<T>): T {
  return decodeStrictly(decoder, binaryPayload(content, { name, format }));
}

/**
 * Returns a message in protobuf, which may be malformed unless it was JSON.
 * @throws {ChatError} `invalid_argument` when it is too long, or malformed JSON
 */
export function binaryPayload(
  content: Uint8Array,
  { name, format }: Pick<DecodeOptions<unknown>, "name" | "format">,
): Uint8Array {
  if (content.length > maxFrameBytes) {
    throw new ChatError("invalid_argument", `The message has ${content.length} bytes: send at most ${maxFrameBytes}.`);
  }
  return format === "json" ? binaryFromJson(name, content) : content;
}

/** Encodes well-formed protobuf in the given format. */
export function encodePayload(bytes: Uint8Array, { name, format }: { name: string; format: PayloadFormat }): Buffer {
  if (format === "json") return Buffer.from(jsonFromBinary(name, bytes));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Converts an encoded `ServerFrame` to messages of at most 64 KiB each; JSON may be longer than protobuf, and is split.
 */
export function serverFrames(frame: Uint8Array, format: PayloadFormat): Buffer[] {
  const name = messageTypes.serverFrame;
  const whole = encodePayload(frame, { name, format });
  if (whole.length <= maxFrameBytes) return [whole];
  const { items, ...last } = ServerFrame.decode(frame);
  return items.map((item, index) => {
    const end = index === items.length - 1 ? last : { through: 0, receipt: 0 };
    const one = { items: [item], ...end };
    const encoded = encodePayload(ServerFrame.encode(one).finish(), { name, format });
    if (encoded.length <= maxFrameBytes || item.kind?.$case !== "reply") return encoded;
    const error = new ChatError(
      "limit_reached",
      "The answer is longer than 64 KiB as JSON. Request fewer items (limit).",
    );
    const { requestId } = item.kind.value;
    const reply = { requestId, result: { $case: "error" as const, value: toWireError(error) } };
    const refused = { items: [{ kind: { $case: "reply" as const, value: reply } }], ...end };
    return encodePayload(ServerFrame.encode(refused).finish(), { name, format });
  });
}

/** Encodes the frame that ends a session, or reports that it does not exist. */
export function endingFrame(reason: unknown): Uint8Array {
  const value = { error: toWireError(toChatError(reason)) };
  return ServerFrame.encode({ items: [{ kind: { $case: "sessionEnded", value } }], through: 0, receipt: 0 }).finish();
}
