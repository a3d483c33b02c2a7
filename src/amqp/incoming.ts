import type { ConsumeMessage } from "amqplib";
import { ChatError } from "../core/chat_error.ts";
import { messageTypes, parseFormat, type PayloadFormat } from "./message_types.ts";
import { directReplies } from "./topology.ts";

/** Headers of the protocol: docs/amqp.md says what they are for. */
export const sessionHeader = "chatd-session";
export const sessionQueueHeader = "chatd-session-queue";
export const connectionHeader = "chatd-connection";
export const leavingHeader = "chatd-leaving";
export const sequenceHeader = "chatd-seq";
export const tokenHeader = "chatd-token";
export const receiptHeader = "chatd-receipt";

const maxPropertyLength = 256;
/** The first byte of a term, and the bytes at the end of a process's name, after two numbers of four (PID_EXT, NEW_PID_EXT). */
const externalTerm = 131;
const creationBytesByTag = new Map([[103, 1], [88, 4]]);

/** A message to the server whose envelope is in order; its content was not looked at. */
export interface Incoming {
  /** The name of the publisher, which the broker checked. */
  readonly user: string;
  /** The secret of a live session; undefined when there is none yet. */
  readonly session: string | undefined;
  /** The publisher's name of the connection, which is not checked. */
  readonly connection: string | undefined;
  /** Which message of its session this is, from 1 on; undefined when its publisher does not count. */
  readonly sequence: number | undefined;
  /** The token of the user who asks, where there is no session. */
  readonly token: string | undefined;
  /** Of chunks that their reader has, separated by spaces; "" for none. */
  readonly receipts: string;
  /** Nothing follows: the session ends when what it asked for is answered. */
  readonly leaving: boolean;
  /** One of `messageTypes`, or anything else. */
  readonly type: string;
  readonly format: PayloadFormat;
  readonly content: Uint8Array;
}

/**
 * Where and how to answer. The address is undefined unless it is one of the broker's for direct replies: to anywhere else, a client
 * could make the server publish in its name.
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

/** @throws {ChatError} `permission_denied` when its envelope cannot be trusted, `invalid_argument` for an unknown format */
export function parseIncoming({ properties, content, fields }: ConsumeMessage): Incoming {
  const { userId, replyTo, contentType, contentEncoding, type } = properties;
  const headers = properties.headers ?? {};
  if (typeof userId !== "string" || userId === "") {
    throw refused("the property user_id is missing: set it to the name that you logged in to the broker with");
  }
  // The broker moves messages around with their user_id, which then says nothing about who had them moved.
  if (headers["x-death"] !== undefined) throw refused("it comes out of another queue (x-death)");
  if (headers.CC !== undefined || headers.BCC !== undefined) throw refused("it has a CC or BCC header");
  if (replyTo !== undefined && !isDirect(replyTo)) {
    throw refused(`its reply_to is not ${directReplies}, the only address that is answered`);
  }
  if (fields.exchange === "") throw refused("it came through the default exchange");
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

/** The part that all addresses for direct replies of one broker have in common. */
export type DirectAddressForm = string;

/**
 * Such an address is the broker's name of a process, in Erlang's external term format, and a key. What is left of the name without
 * the numbers that tell the processes of a node apart; undefined when it is no such address.
 */
export function formOf(replyTo: string): DirectAddressForm | undefined {
  if (!replyTo.startsWith(`${directReplies}.`) || replyTo.length > maxPropertyLength) return undefined;
  const [name, key, ...more] = replyTo.slice(directReplies.length + 1).split(".");
  if (more.length > 0 || !/^[A-Za-z0-9+/=_-]{1,64}$/.test(key ?? "")) return undefined;
  const term = Buffer.from(name, "base64");
  if (term.toString("base64") !== name || term[0] !== externalTerm) return undefined;
  const creationBytes = creationBytesByTag.get(term[1]);
  if (creationBytes === undefined || term.length < 2 + 8 + creationBytes) return undefined;
  const end = term.length - creationBytes;
  return Buffer.concat([term.subarray(0, end - 8), term.subarray(end)]).toString("hex");
}

/** Which process of the broker an address for direct replies leads to, as in the broker's "<node.1795448032.912.0>" without the node. */
export function processOf(replyTo: string): string {
  return numbersOf(replyTo)?.join(".") ?? replyTo;
}

/** The two numbers that tell the processes of a node apart, of an address for direct replies. */
export function numbersOfAddress(replyTo: string): readonly number[] {
  return numbersOf(replyTo)?.slice(1) ?? [Infinity, Infinity];
}

function numbersOf(replyTo: string): number[] | undefined {
  const [name] = replyTo.slice(directReplies.length + 1).split(".");
  const term = Buffer.from(name, "base64");
  const creationBytes = creationBytesByTag.get(term[1]) ?? 0;
  const end = term.length - creationBytes;
  if (creationBytes === 0 || end < 8) return undefined;
  return [term.readUIntBE(end, creationBytes), term.readUInt32BE(end - 8), term.readUInt32BE(end - 4)];
}

/** @throws {ChatError} `invalid_argument` */
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
