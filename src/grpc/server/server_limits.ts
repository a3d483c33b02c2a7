import { maxFrameBytes } from "../../wire/limits.ts";
import type { ConnectionLimits } from "../http2/connection_limits.ts";
import { standardCallLimits } from "./open_calls.ts";

/** Octets of the longest message and its prefix. */
const messageBytes = maxFrameBytes + 5;

/** Size of the header list of a request, in octets as RFC 9113, section 6.5.2 counts them. */
export const maxHeaderListBytes = 16_384;

/** Window of a stream, in octets: room for the current message and the next one. */
export const streamWindow: number = 2 * messageBytes;

/** Octets of waiting answers beyond which a connection without a user is closed. */
export const strangersQueuedBytes: number = 1024 * 1024;

/** Bounds of each connection, until a user logs in over it. */
export const strangersConnectionLimits: ConnectionLimits = {
  // Fewer would be refused to clients that start calls before they receive SETTINGS (RFC 9113, section 6.5.2).
  maxStreams: 100,
  streamWindow,
  connectionWindow: streamWindow,
  maxHeaderListBytes,
  maxQueuedBytes: strangersQueuedBytes,
};

/**
 * Window of a user's connection, in octets: room for a message on each stream, because clients send their messages in
 * turn.
 */
export const userConnectionWindow: number = strangersConnectionLimits.maxStreams * messageBytes;

/** Octets of waiting answers beyond which a user's connection is closed; calls are refused before that. */
export const userQueuedBytes: number = standardCallLimits.maxUnreadBytes + 100 * messageBytes;
