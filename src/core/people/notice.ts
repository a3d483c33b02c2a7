export type PresenceState = "offline" | "online" | "away";

/** What live sessions are told besides entries of logs. Lossy: nothing is kept or sent again. */
export type Notice =
  /** Of somebody whom the receiver has to do with. */
  | { readonly kind: "presence"; readonly user: string; readonly state: PresenceState }
  | { readonly kind: "typing"; readonly conversation: string; readonly user: string; readonly stopped: boolean }
  /** How far somebody is; 0 says nothing of it. */
  | {
    readonly kind: "receipt";
    readonly conversation: string;
    readonly user: string;
    readonly readSeq: number;
    readonly deliveredSeq: number;
  }
  /** How many have read how far in a room, highest first. */
  | {
    readonly kind: "room_receipts";
    readonly conversation: string;
    readonly counts: readonly { readonly seq: number; readonly readers: number }[];
  }
  /** What the receiver has to ask again: a conversation, or their settings. */
  | { readonly kind: "state_changed"; readonly revision: number; readonly conversation: string | undefined };
