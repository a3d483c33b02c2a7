export type PresenceState = "offline" | "online" | "away";

/** News for live sessions that is in no log. Lossy: never stored or resent. */
export type Notice =
  /** Presence of a peer of the receiver. */
  | { readonly kind: "presence"; readonly user: string; readonly state: PresenceState }
  | { readonly kind: "typing"; readonly conversation: string; readonly user: string; readonly stopped: boolean }
  /** Positions of a user; 0 leaves one unchanged. */
  | {
    readonly kind: "receipt";
    readonly conversation: string;
    readonly user: string;
    readonly readSeq: number;
    readonly deliveredSeq: number;
  }
  /** Numbers of members who have read up to each seq of a room, highest first. */
  | {
    readonly kind: "room_receipts";
    readonly conversation: string;
    readonly counts: readonly { readonly seq: number; readonly readers: number }[];
  }
  /** The receiver should fetch a conversation again, or else their settings. */
  | { readonly kind: "state_changed"; readonly revision: number; readonly conversation: string | undefined };
