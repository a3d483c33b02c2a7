/**
 * Bounds of one connection. Whatever its peer sends and does not read, a connection holds at most
 *
 * - `connectionWindow` octets of DATA that the owners of streams have not released (owners that copy them may take
 *   twice as much),
 * - `maxQueuedBytes` octets of answers, and the last one,
 * - 3 × {@link maxHeldLists} × `maxHeaderListBytes` octets of header lists: a list of short fields takes up to three
 *   times its size,
 * - {@link otherHeldBytes} other octets.
 */
export interface ConnectionLimits {
  /** Streams that the peer may have open at once. */
  readonly maxStreams: number;
  /** Window of each stream from the peer, in octets; at least 65,535. */
  readonly streamWindow: number;
  /** Initial window of the connection from the peer, in octets; at least 65,535. */
  readonly connectionWindow: number;
  /** Size of the fields of one header list, in octets as RFC 9113, section 6.5.2 counts them. */
  readonly maxHeaderListBytes: number;
  /**
   * Memory of answers that wait for the peer to take them, in octets; a connection beyond it is closed. 4 MiB by
   * default.
   */
  readonly maxQueuedBytes?: number;
}

/** Default of {@link ConnectionLimits.maxQueuedBytes}. */
export const defaultQueuedBytes = 4 * 1024 * 1024;

/**
 * Header lists of the largest size that the open requests of a connection may hold together; further requests are
 * refused.
 */
export const maxHeldLists = 16;

/**
 * Octets for an incomplete frame (16 KiB), a header block and its fragments (32), the table of fields (4, and its
 * objects), waiting control frames (64, and the answers to one chunk), a write and the transport's copy (144 each), and
 * up to 100 streams.
 */
export const otherHeldBytes = 640 * 1024;
