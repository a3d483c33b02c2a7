import fc from "fast-check";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { DirectMessages } from "../../../src/gen/chatd/v1/settings.ts";
import type { RequestKind } from "../servers/received_frames.ts";
import { historyRequest, sendRequest } from "../servers/wire_values.ts";

/** The sessions of a script, by index. */
export const sessionUsers = ["ana", "ana", "ben", "ben", "cleo", "dan"] as const;
export const scriptUsers = [...new Set(sessionUsers)];
/** The only user of the scripts whose account may be deleted. */
export const deletable = "dan";
/** Users without sessions, who are banned from the rooms. */
export const bannedUsers = ["fay", "gus", "hal"];

/** The values that a request needs besides its action. */
export interface RequestContext {
  readonly user: string;
  /** An id that no other request has. */
  readonly id: string;
  /** The ids of the rooms. */
  readonly rooms: readonly string[];
  /** The requests that the user made before. */
  readonly earlier: readonly RequestKind[];
}

/** Frames that one session sends in one turn of the event loop, as numbers of requests. */
export interface Burst {
  readonly session: number;
  readonly actions: readonly Action[];
  /** The most requests in a frame. */
  readonly joined: number;
  /** Whether the session acknowledges all frames before it sends. */
  readonly acknowledges: boolean;
  /** The step of the session after its frames; "is deleted" disconnects a user other than dan. */
  readonly end: "goes on" | "leaves" | "disconnects" | "is deleted";
  /** Whether the account of a user who is banned from the rooms is deleted meanwhile: rooms are read again then. */
  readonly deletesBanned: boolean;
}

/** Bursts that are sent in one turn. */
export interface Step {
  readonly bursts: readonly Burst[];
  /** Whether all are answered before the next step; unless they are, it comes a turn later. */
  readonly settles: boolean;
}

export type Script = readonly Step[];

const oldId = createMessageId(1);
const futureId = createMessageId(Date.UTC(2099, 1));
const user = fc.constantFrom(...scriptUsers);
const seq = fc.integer({ min: 1, max: 8 });
const roomIndex = fc.nat({ max: 1 });
const words = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("\ufeffBOM", "nul \0 in it", "日本語 🙂", "x".repeat(8_193), "y".repeat(8_192)),
  },
);
/** An address, of which "0" and "1" are the ids of the rooms. */
const address = fc.oneof(
  { weight: 6, arbitrary: user },
  { weight: 5, arbitrary: fc.constantFrom("#ops", "0", "1") },
  { weight: 1, arbitrary: fc.constantFrom("#new", "eve", "Nobody!", "", "+none", "#nowhere") },
);

/** Plain messages to one or two addresses: one that has to leave the lane takes the later ones of its burst along. */
const says = fc.tuple(
  fc.array(address, { minLength: 1, maxLength: 2 }),
  fc.array(words, { minLength: 1, maxLength: 8, size: "max" }),
).map(([to, texts]) => texts.map((text, index) => ({ kind: "say" as const, to: to[index % to.length], text })));

/** Sends that are not plain or not valid. */
const oddSay = fc.record({
  kind: fc.constantFrom("mention", "empty", "long", "controls", "no id", "old", "future", "upper case", "reply"),
  to: address,
  /** Whether a reply is to no message, instead of the first one of its conversation. */
  isMissing: fc.boolean(),
});

/** Repeats an earlier send of the user, or sends something else with its id. */
const resend = fc.record({
  kind: fc.constant("resend" as const),
  back: fc.nat({ max: 20 }),
  change: fc.constantFrom({}, {}, { text: "another text" }, { to: "cleo" }),
});

const change = fc.record({
  kind: fc.constantFrom("edit", "delete", "react", "read", "list", "history", "ping", "block", "unblock", "settings"),
  to: address,
  user,
  seq,
  choice: fc.constantFrom(DirectMessages.ANYONE, DirectMessages.CONTACTS, DirectMessages.NOBODY),
});

const roomChange = fc.record({
  kind: fc.constantFrom("join", "leave", "invite", "remove", "ban", "unban", "rename", "close", "open", "topic"),
  index: roomIndex,
  user,
});

type Of<T> = T extends fc.Arbitrary<infer Value> ? Value : never;
type Action =
  | Of<typeof says>[number]
  | Of<typeof oddSay>
  | Of<typeof resend>
  | Of<typeof change>
  | Of<typeof roomChange>;

/** Makes as many ids as a script needs. */
export function idsFor(script: Script, now: number): string[] {
  const count = script.flatMap(({ bursts }) => bursts).reduce((sum, { actions }) => sum + actions.length, 0);
  return Array.from({ length: count }, () => createMessageId(now));
}

/** Returns the request of an action. */
export function requestOf(action: Action, { user, id, rooms, earlier }: RequestContext): RequestKind {
  if ("index" in action) return roomRequest(action, { id, room: rooms[action.index] });
  if (action.kind === "resend") {
    const sends = earlier.flatMap((kind) => kind.$case === "send" ? [kind.value] : []);
    const again = sends.at(-1 - action.back % Math.max(1, sends.length));
    return { $case: "send", value: { ...again ?? sendRequest({ to: "ana", text: "first", id }), ...action.change } };
  }
  const to = rooms[Number(action.to || NaN)] ?? action.to;
  if (action.kind === "say") return send(to, action.text, { id });
  return "choice" in action ? changeRequest(action, { id, to }) : oddRequest(action, { user, id, to });
}

function send(to: string, text: string, rest: { id: string; replyToSeq?: number }): RequestKind {
  return { $case: "send", value: sendRequest({ to, text, ...rest }) };
}

function oddRequest(
  { kind, isMissing }: Of<typeof oddSay>,
  { user, id, to }: { user: string; id: string; to: string },
): RequestKind {
  switch (kind) {
    case "mention":
      return send(to, "hello @ben", { id });
    case "empty":
      return send(to, "", { id });
    case "long":
      return send(to, "z".repeat(16_385), { id });
    case "controls":
      return send(to, "\u0001".repeat(8_193), { id });
    case "no id":
      return send(to, "x", { id: "no id" });
    case "old":
      return send(to, "x", { id: oldId });
    case "future":
      return send(to, "x", { id: futureId });
    case "upper case":
      return send(to, "x", { id: id.toUpperCase() });
    case "reply":
      // Whether a message of the script is in the log yet depends on the way.
      return send(to, "x", { id, replyToSeq: isMissing || [user, to].includes(deletable) ? 1_000 : 1 });
  }
}

function changeRequest(
  { kind, user, seq, choice }: Of<typeof change>,
  { id, to }: { id: string; to: string },
): RequestKind {
  switch (kind) {
    case "edit":
      return { $case: "edit", value: { to, seq, id, text: "edited" } };
    case "delete":
      // The first messages are those that replies are to.
      return { $case: "delete", value: { to, seq: Math.max(2, seq), id } };
    case "react":
      return { $case: "react", value: { to, seq, id, emoji: "👍", remove: seq > 5 } };
    case "read":
      return { $case: "read", value: { with: to, seq } };
    case "list":
      return { $case: "listConversations", value: { limit: 0, beforePosition: 0 } };
    case "history":
      return { $case: "history", value: historyRequest({ with: to, events: true }) };
    case "ping":
      return { $case: "ping", value: {} };
    case "block":
      return { $case: "blockUser", value: { user, unblock: false } };
    case "unblock":
      return { $case: "blockUser", value: { user, unblock: true } };
    case "settings":
      return { $case: "updateSettings", value: { directMessages: choice } };
  }
}

function roomRequest({ kind, user }: Of<typeof roomChange>, { id, room }: { id: string; room: string }): RequestKind {
  switch (kind) {
    case "join":
      return { $case: "joinRoom", value: { id, room } };
    case "leave":
      return { $case: "leaveRoom", value: { id, room } };
    case "invite":
      return { $case: "inviteMember", value: { id, room, user } };
    case "remove":
      return { $case: "removeMember", value: { id, room, user, ban: false } };
    case "ban":
      return { $case: "removeMember", value: { id, room, user, ban: true } };
    case "unban":
      return { $case: "unbanMember", value: { id, room, user } };
    case "rename":
      return { $case: "updateRoom", value: { id, room, name: user === "ana" ? "ops" : "new" } };
    case "close":
      return { $case: "updateRoom", value: { id, room, public: false } };
    case "open":
      return { $case: "updateRoom", value: { id, room, public: true } };
    case "topic":
      return { $case: "setTopic", value: { id, room, topic: user } };
  }
}

const oddAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 2, arbitrary: oddSay },
  { weight: 2, arbitrary: resend },
  { weight: 3, arbitrary: change },
  { weight: 2, arbitrary: roomChange },
);
/** Mostly plain messages. */
const actions: fc.Arbitrary<Action[]> = fc.oneof(
  { weight: 4, arbitrary: says },
  { weight: 2, arbitrary: fc.array(oddAction, { minLength: 1, maxLength: 4, size: "max" }) },
  {
    weight: 2,
    arbitrary: fc.array(fc.oneof<fc.Arbitrary<Action[]>[]>(says, fc.array(oddAction, { minLength: 1, maxLength: 2 })), {
      minLength: 2,
      maxLength: 4,
      size: "max",
    }).map((runs) => runs.flat()),
  },
);

function burst(ends: fc.Arbitrary<Burst["end"]>): fc.Arbitrary<Burst> {
  return fc.record({
    session: fc.nat({ max: sessionUsers.length - 1 }),
    actions,
    joined: fc.constantFrom(1, 2, 5, 100),
    acknowledges: fc.boolean(),
    end: ends,
    deletesBanned: fc.nat({ max: 7 }).map((draw) => draw === 0),
  });
}

/**
 * Scripts in which one session sends at a time: the log does not depend on how long a server takes. No account is deleted,
 * because a message to a room that is read again then may come after later messages to other conversations.
 */
export const orderedScript: fc.Arbitrary<Script> = fc.array(
  burst(fc.constant("goes on" as const)).map((each) => ({
    bursts: [{ ...each, deletesBanned: false }],
    settles: true,
  })),
  { minLength: 1, maxLength: 20, size: "max" },
);

const anyEnd: fc.Arbitrary<Burst["end"]> = fc.oneof(
  { weight: 15, arbitrary: fc.constant("goes on" as const) },
  { weight: 1, arbitrary: fc.constantFrom("leaves" as const, "disconnects" as const, "is deleted" as const) },
);

/** Scripts in which sessions send at the same time, and some end before they have their replies. */
export const racingScript: fc.Arbitrary<Script> = fc.array(
  fc.record({ bursts: fc.array(burst(anyEnd), { minLength: 1, maxLength: 6 }), settles: fc.boolean() }),
  { minLength: 1, maxLength: 8, size: "max" },
);
