import type { MemberRole } from "../rooms/room.ts";

/** What somebody did, as an entry of a conversation's log. Text that belongs to it is the entry's text. */
export type LogEvent =
  /** Its text is the new one; "" when the message was deleted since. `target` is the seq of a message of the sender. */
  | { readonly kind: "edited"; readonly target: number }
  | { readonly kind: "deleted"; readonly target: number }
  | { readonly kind: "reacted"; readonly target: number; readonly emoji: string; readonly removed: boolean }
  | RoomEvent;

export type RoomEvent =
  /** Its text is the name. */
  | { readonly kind: "room_created"; readonly isPublic: boolean; readonly historyVisible: boolean }
  | { readonly kind: "joined" }
  | { readonly kind: "left" }
  | { readonly kind: "invited"; readonly user: string }
  | { readonly kind: "removed"; readonly user: string; readonly banned: boolean }
  | { readonly kind: "unbanned"; readonly user: string }
  | { readonly kind: "role_changed"; readonly user: string; readonly role: MemberRole }
  /** Its text is the topic. */
  | { readonly kind: "topic_changed" }
  /** Its text is the name. */
  | { readonly kind: "room_changed"; readonly isPublic: boolean; readonly historyVisible: boolean };
