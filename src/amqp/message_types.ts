import { ChatError } from "../core/chat_error.ts";

/** Encoding of a message; the server replies in the encoding of the request. */
export type PayloadFormat = "protobuf" | "json";

export const contentTypes: Record<PayloadFormat, string> = {
  protobuf: "application/x-protobuf",
  json: "application/json",
};

/** Values of AMQP's `type` property. */
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

/** Parses the content type. @throws {ChatError} `invalid_argument` for another format, or a content encoding */
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
