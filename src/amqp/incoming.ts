import type { ConsumeMessage } from "amqplib";
import { ChatError } from "../core/chat_error.ts";
import { formOf } from "./direct_address.ts";
import { messageTypes, parseFormat, type PayloadFormat } from "./message_types.ts";
import { directReplies } from "./topology.ts";

/** Headers of the protocol; docs/amqp.md describes them. */
export const sessionHeader = "chatd-session";
export const sessionQueueHeader = "chatd-session-queue";
export const connectionHeader = "chatd-connection";
export const leavingHeader = "chatd-leaving";
export const sequenceHeader = "chatd-seq";
export const tokenHeader = "chatd-token";
export const receiptHeader = "chatd-receipt";

const maxPropertyLength = 256;

/** A message to the server with a valid envelope; its content is not validated yet. */
export interface Incoming {
  /** The publisher's broker user, which the broker verified. */
  readonly user: string;
  /** The secret of a live session; undefined before it has one. */
  readonly session: string | undefined;
  /** The connection name that the publisher claims; not verified. */
  readonly connection: string | undefined;
  /** Number of the message in its session, from 1 on; undefined when the publisher does not count. */
  readonly sequence: number | undefined;
  /** The caller's token, for requests without a session. */
  readonly token: string | undefined;
  /** Receipts of chunks that the caller has read, separated by spaces; "" for none. */
  readonly receipts: string;
  /** Last message of the session, which ends once its requests are answered. */
  readonly leaving: boolean;
  /** One of `messageTypes`, or any other text. */
  readonly type: string;
  readonly format: PayloadFormat;
  readonly content: Uint8Array;
}

/**
 * Address and format of a reply. `replyTo` is undefined unless it is a direct-reply address of the broker: a client
 * could otherwise make the server publish anywhere in its own name.
 */
export interface ReplyAddress {
  readonly replyTo: string | undefined;
  readonly correlationId: string | undefined;
  readonly format: PayloadFormat;
}

export function replyAddress({ properties }: ConsumeMessage): ReplyAddress {
  const { replyTo, contentType } = properties;
  return {
    replyTo: isDirect(replyTo) ? replyTo : undefined,
    correlationId: shortText(properties.correlationId),
    format: /^application\/json\b/i.test(String(contentType)) ? "json" : "protobuf",
  };
}

/**
 * Parses the envelope of a message.
 * @throws {ChatError} `permission_denied` when the envelope cannot be trusted, `invalid_argument` for an unknown format
 */
export function parseIncoming({ properties, content, fields }: ConsumeMessage): Incoming {
  const { userId, replyTo, contentType, contentEncoding, type } = properties;
  const headers = properties.headers ?? {};
  if (typeof userId !== "string" || userId === "") {
    throw refused("the property user_id is missing: set it to your login name at the broker");
  }
  // The broker keeps user_id when it moves a message, whoever caused the move.
  if (headers["x-death"] !== undefined) throw refused("it was moved from another queue (x-death)");
  if (headers.CC !== undefined || headers.BCC !== undefined) throw refused("it has a CC or BCC header");
  if (replyTo !== undefined && !isDirect(replyTo)) {
    throw refused(`its reply_to is not ${directReplies}, the only allowed address`);
  }
  if (fields.exchange === "") throw refused("it was published to the default exchange");
  return {
    user: userId,
    session: shortText(headers[sessionHeader]),
    connection: shortText(headers[connectionHeader]),
    sequence: parseSequence(headers[sequenceHeader]),
    token: shortText(headers[tokenHeader]),
    receipts: shortText(headers[receiptHeader]) ?? "",
    leaving: headers[leavingHeader] !== undefined,
    type: shortText(type) ?? messageTypes.clientFrame,
    format: parseFormat(contentType, contentEncoding),
    content,
  };
}

/** Parses the sequence header. @throws {ChatError} `invalid_argument` */
export function parseSequence(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const isNumber = typeof value === "number" || typeof value === "string";
  const sequence = isNumber && /^\d{1,15}$/.test(String(value)) ? Number(value) : 0;
  if (sequence > 0) return sequence;
  throw new ChatError("invalid_argument", `The header "${sequenceHeader}" must be a number: 1, 2, 3 and so on.`);
}

function isDirect(replyTo: unknown): replyTo is string {
  return typeof replyTo === "string" && formOf(replyTo) !== undefined;
}

function shortText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= maxPropertyLength ? value : undefined;
}

function refused(why: string): ChatError {
  return new ChatError("permission_denied", `The message was refused: ${why}.`);
}
