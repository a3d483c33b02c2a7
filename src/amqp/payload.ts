import { ChatError, toChatError } from "../core/chat_error.ts";
import { ServerFrame } from "../gen/chatd/v1/session.ts";
import { toWireError } from "../wire/convert.ts";
import { binaryFromJson, jsonFromBinary } from "../wire/json_messages.ts";
import { maxFrameBytes } from "../wire/limits.ts";
import { decodeStrictly, type MessageDecoder } from "../wire/strict_reader.ts";

/** How a message is written: the server answers as it was asked. */
export type PayloadFormat = "protobuf" | "json";

export const contentTypes: Record<PayloadFormat, string> = {
  protobuf: "application/x-protobuf",
  json: "application/json",
};

/** The types of messages, as AMQP's `type` property has them. */
export const messageTypes = {
  clientFrame: "chatd.v1.ClientFrame",
  serverFrame: "chatd.v1.ServerFrame",
  logIn: "chatd.v1.LogInRequest",
  loggedIn: "chatd.v1.LogInResponse",
  register: "chatd.v1.RegisterRequest",
  registered: "chatd.v1.RegisterResponse",
  beginUpload: "chatd.v1.BeginUploadRequest",
  uploadBegun: "chatd.v1.BeginUploadResponse",
  uploadChunk: "chatd.v1.UploadChunkRequest",
  chunkUploaded: "chatd.v1.UploadChunkResponse",
  readChunk: "chatd.v1.ReadChunkRequest",
  chunkRead: "chatd.v1.ReadChunkResponse",
  error: "chatd.v1.Error",
} as const;

/** @throws {ChatError} `invalid_argument` for another format, or an encoding on top of it. */
export function parseFormat(contentType: unknown, contentEncoding: unknown): PayloadFormat {
  const [type, ...parameters] = String(contentType ?? contentTypes.protobuf).toLowerCase().split(";");
  const encoding = String(contentEncoding ?? "").toLowerCase();
  const isUtf8 = parameters.every((parameter) => /^\s*charset="?utf-8"?\s*$/.test(parameter));
  if (["", "identity", "utf-8", "binary"].includes(encoding) && isUtf8) {
    if (type === contentTypes.json) return "json";
    if (type === contentTypes.protobuf || type === "application/protobuf") return "protobuf";
  }
  throw new ChatError(
    "invalid_argument",
    `The content_type must be ${contentTypes.protobuf} or ${contentTypes.json}, in UTF-8 and without a content_encoding.`,
  );
}

export interface DecodeOptions<T> {
  /** Generated code of the type that `name` says. */
  readonly decoder: MessageDecoder<T>;
  readonly name: string;
  readonly format: PayloadFormat;
}

/** @throws {ChatError} `invalid_argument` when it is too long or malformed. */
export function decodePayload<T>(content: Uint8Array, { decoder, name, format }: DecodeOptions<T>): T {
  if (content.length > maxFrameBytes) {
    throw new ChatError("invalid_argument", `The message has ${content.length} bytes: send at most ${maxFrameBytes}.`);
  }
  return decodeStrictly(decoder, format === "json" ? binaryFromJson(name, content) : content);
}

/** Well-formed protobuf as the bytes of a message. */
export function encodePayload(bytes: Uint8Array, { name, format }: { name: string; format: PayloadFormat }): Buffer {
  if (format === "json") return Buffer.from(jsonFromBinary(name, bytes));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An encoded `ServerFrame` as messages of at most 64 KiB each: as JSON it may be longer than it was, and is divided. */
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
      "The answer is longer than 64 KiB as JSON: ask for less at once (limit).",
    );
    const { requestId } = item.kind.value;
    const reply = { requestId, result: { $case: "error" as const, value: toWireError(error) } };
    const refused = { items: [{ kind: { $case: "reply" as const, value: reply } }], ...end };
    return encodePayload(ServerFrame.encode(refused).finish(), { name, format });
  });
}

/** The frame that ends a session, or says that there is none. */
export function endingFrame(reason: unknown): Uint8Array {
  const value = { error: toWireError(toChatError(reason)) };
  return ServerFrame.encode({ items: [{ kind: { $case: "sessionEnded", value } }], through: 0, receipt: 0 }).finish();
}
