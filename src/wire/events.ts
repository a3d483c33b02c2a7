import { ChatError } from "../core/chat_error.ts";
import type { EventKind, EventOf, LogEvent } from "../core/messages/log_event.ts";
import { type MemberRole, mentionAllByDefault, type RoomRole } from "../core/rooms/room.ts";
import { type Event, Role } from "../gen/chatd/v1/chat.ts";

const wireRoles: Readonly<Record<RoomRole, Role>> = {
  member: Role.MEMBER,
  moderator: Role.MODERATOR,
  owner: Role.OWNER,
  invited: Role.INVITED,
  left: Role.LEFT,
  banned: Role.BANNED,
};

export function toWireRole(role: RoomRole): Role {
  return wireRoles[role];
}

/** Returns undefined for a role that this program does not know. */
export function fromWireRole(role: Role): RoomRole | undefined {
  return (Object.keys(wireRoles) as RoomRole[]).find((each) => wireRoles[each] === role);
}

/** @throws {ChatError} `invalid_argument` when the value of the field is not a role of a member. */
export function parseMemberRole(role: Role, field: string): MemberRole {
  const known = fromWireMemberRole(role);
  if (known !== undefined) return known;
  throw new ChatError("invalid_argument", `${field} must be ROLE_MEMBER, ROLE_MODERATOR or ROLE_OWNER.`);
}

function fromWireMemberRole(role: Role): MemberRole | undefined {
  const known = fromWireRole(role);
  return known === "member" || known === "moderator" || known === "owner" ? known : undefined;
}

/** Returns the role of `Room.mention_all`, which older servers do not send. */
export function fromWireMentionAll(role: Role): MemberRole {
  return fromWireMemberRole(role) ?? mentionAllByDefault;
}

type WireEvent = NonNullable<Event["kind"]>;
type WireCase = WireEvent["$case"];
type WireValue<Case extends WireCase> = Extract<WireEvent, { $case: Case }>["value"];

interface EventCodec<Kind extends EventKind> {
  readonly wireCase: WireCase;
  readonly encode: (event: EventOf<Kind>) => WireEvent;
  /** Returns undefined for a value that this program does not know. */
  readonly decode: (value: unknown) => EventOf<Kind> | undefined;
}

/** The codec of each kind of event. */
const codecs: { readonly [Kind in EventKind]: EventCodec<Kind> } = {
  edited: codec("edited", ({ target }) => ({ seq: target }), ({ seq }) => ({ kind: "edited", target: seq })),
  deleted: codec("deleted", ({ target }) => ({ seq: target }), ({ seq }) => ({ kind: "deleted", target: seq })),
  reacted: codec(
    "reacted",
    ({ target, emoji, removed }) => ({ seq: target, emoji, removed }),
    ({ seq, emoji, removed }) => ({ kind: "reacted", target: seq, emoji, removed }),
  ),
  pinned: codec(
    "pinned",
    ({ target, removed }) => ({ seq: target, removed }),
    ({ seq, removed }) => ({ kind: "pinned", target: seq, removed }),
  ),
  room_created: codec("roomCreated", toWireAccess, (access) => ({ kind: "room_created", ...fromWireAccess(access) })),
  joined: codec("joined", () => ({}), () => ({ kind: "joined" })),
  left: codec("left", () => ({}), () => ({ kind: "left" })),
  invited: codec("invited", ({ user }) => ({ user }), ({ user }) => ({ kind: "invited", user })),
  removed: codec(
    "removed",
    ({ user, banned }) => ({ user, banned }),
    ({ user, banned }) => ({ kind: "removed", user, banned }),
  ),
  unbanned: codec("unbanned", ({ user }) => ({ user }), ({ user }) => ({ kind: "unbanned", user })),
  role_changed: codec("roleChanged", ({ user, role }) => ({ user, role: toWireRole(role) }), ({ user, role }) => {
    const known = fromWireMemberRole(role);
    return known && { kind: "role_changed", user, role: known };
  }),
  topic_changed: codec("topicChanged", () => ({}), () => ({ kind: "topic_changed" })),
  room_changed: codec(
    "roomChanged",
    ({ mentionAll, byOperator, ...access }) => ({
      ...toWireAccess(access),
      mentionAll: toWireRole(mentionAll),
      byOperator,
    }),
    ({ mentionAll, byOperator, ...access }) => ({
      kind: "room_changed",
      ...fromWireAccess(access),
      mentionAll: fromWireMentionAll(mentionAll),
      byOperator,
    }),
  ),
};

const decoders = new Map(Object.values(codecs).map(({ wireCase, decode }) => [wireCase, decode]));

export function toWireEvent<Kind extends EventKind>(event: EventOf<Kind>): Event {
  return { kind: codecs[event.kind].encode(event) };
}

/** Returns undefined for an event that this program does not know. */
export function fromWireEvent({ kind }: Event): LogEvent | undefined {
  return kind && decoders.get(kind.$case)?.(kind.value);
}

function codec<Kind extends EventKind, Case extends WireCase>(
  wireCase: Case,
  encode: (event: EventOf<Kind>) => WireValue<Case>,
  decode: (value: WireValue<Case>) => EventOf<Kind> | undefined,
): EventCodec<Kind> {
  return {
    wireCase,
    encode: (event) => ({ $case: wireCase, value: encode(event) }) as WireEvent,
    decode: (value) => decode(value as WireValue<Case>),
  };
}

function toWireAccess({ isPublic, historyVisible }: { isPublic: boolean; historyVisible: boolean }) {
  return { public: isPublic, historyVisible };
}

function fromWireAccess(access: { public: boolean; historyVisible: boolean }) {
  return { isPublic: access.public, historyVisible: access.historyVisible };
}
