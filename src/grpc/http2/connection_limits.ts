export interface ConnectionLimits {
  /** Streams that the peer may have open at once. */
  readonly maxStreams: number;
  /** Window of each stream from the peer, in octets; at least 65,535. */
  readonly streamWindow: number;
  /** Window of the connection from the peer at first, in octets; at least 65,535. */
  readonly connectionWindow: number;
  /** Size of the fields of one header list, in octets as RFC 9113, section 6.5.2 counts them. */
  readonly maxHeaderListBytes: number;
  /** Octets of answers that may wait for the peer to take them; a connection with more is closed. 4 MiB by default. */
  readonly maxQueuedBytes?: number;
}

/** Default of {@link ConnectionLimits.maxQueuedBytes}. */
export const defaultQueuedBytes = 4 * 1024 * 1024;
