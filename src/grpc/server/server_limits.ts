import { maxFrameBytes } from "../../wire/limits.ts";
import type { ConnectionLimits } from "../http2/connection_limits.ts";
import { standardCallLimits } from "./open_calls.ts";

/** Octets of the longest message with the five before it. */
const messageBytes = maxFrameBytes + 5;

/** Size of the header list of a request, in octets as RFC 9113, section 6.5.2 counts them. */
export const maxHeaderListBytes = 16_384;

/** Octets of a stream: room for the message that is being read and for the next one. */
export const streamWindow: number = 2 * messageBytes;

/** Octets of answers that a connection without a user has not taken: with more, it is closed. */
export const strangersQueuedBytes: number = 1024 * 1024;

/** Bounds of each connection, until a user logs in over it. */
export const strangersConnectionLimits: ConnectionLimits = {
  // Fewer would be refused to clients that begin before they know (RFC 9113, section 6.5.2).
  maxStreams: 100,
  streamWindow,
  connectionWindow: streamWindow,
  maxHeaderListBytes,
  maxQueuedBytes: strangersQueuedBytes,
};

/** Octets of the connection of a user: room for a message on each stream, because clients send their messages in turn. */
export const userConnectionWindow: number = strangersConnectionLimits.maxStreams * messageBytes;

/** Octets of answers that the connection of a user has not taken: with more, it is closed; calls are refused before. */
export const userQueuedBytes: number = standardCallLimits.maxUnreadBytes + 100 * messageBytes;
