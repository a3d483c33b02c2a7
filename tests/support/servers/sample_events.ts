import type { EventKind, EventOf, LogEvent } from "../../../src/core/messages/log_event.ts";

/** Events of each kind, with each value of their flags. */
const samples: { readonly [Kind in EventKind]: readonly EventOf<Kind>[] } = {
  edited: [{ kind: "edited", target: 7 }],
  deleted: [{ kind: "deleted", target: 7 }],
  reacted: [
    { kind: "reacted", target: 7, emoji: "👍", removed: false },
    { kind: "reacted", target: 7, emoji: "👍", removed: true },
  ],
  pinned: [
    { kind: "pinned", target: 7, removed: false },
    { kind: "pinned", target: 7, removed: true },
  ],
  room_created: [
    { kind: "room_created", isPublic: true, historyVisible: false },
    { kind: "room_created", isPublic: false, historyVisible: true },
  ],
  joined: [{ kind: "joined" }],
  left: [{ kind: "left" }],
  invited: [{ kind: "invited", user: "ben" }],
  removed: [{ kind: "removed", user: "ben", banned: false }, { kind: "removed", user: "ben", banned: true }],
  unbanned: [{ kind: "unbanned", user: "ben" }],
  role_changed: [
    { kind: "role_changed", user: "ben", role: "member" },
    { kind: "role_changed", user: "ben", role: "moderator" },
    { kind: "role_changed", user: "ben", role: "owner" },
  ],
  topic_changed: [{ kind: "topic_changed" }],
  room_changed: [
    { kind: "room_changed", isPublic: true, historyVisible: true, mentionAll: "member", byOperator: false },
    { kind: "room_changed", isPublic: false, historyVisible: false, mentionAll: "moderator", byOperator: false },
    { kind: "room_changed", isPublic: true, historyVisible: false, mentionAll: "owner", byOperator: true },
  ],
};

export const sampleEvents: readonly LogEvent[] = Object.values(samples).flat();
