import type { Identity } from "../accounts/identity.ts";
import { parseUserName } from "../accounts/user_name.ts";
import { type AuditEvent, type AuditLog, operator } from "../audit/audit.ts";
import { ChatError } from "../chat_error.ts";
import type { Clock } from "../clock.ts";
import { KeyedLock } from "../keyed_lock.ts";
import type { Limits } from "../limits.ts";
import { parseMessageId } from "../messages/message_id.ts";
import type { Posted, Posting } from "../messages/posting.ts";
import type { RoomEventDraft } from "../messages/submission.ts";
import type { Turn } from "../page_turns.ts";
import type { Invitations } from "./invitations.ts";
import {
  checkTopic,
  type CurrentRole,
  type MemberRole,
  memberRoles,
  mentionAllByDefault,
  parseRoomName,
  type Room,
  roomIdFor,
} from "./room.ts";
import type { RoomCache } from "./room_cache.ts";
import { refuseInRoom } from "./refuse_in_room.ts";
import { noSuchRoom, RoomState } from "./room_state.ts";
import type { RoomStore } from "./room_store.ts";

/** Time that an empty room counts for its creator, in milliseconds. */
const emptyRoomMs = 30 * 24 * 60 * 60 * 1000;

/** A request that appends to a room's log: its id, like a message's, and the room's address. */
export interface RoomRequest {
  readonly id: string;
  readonly room: string;
}

export interface RoomMember {
  readonly user: string;
  readonly role: CurrentRole;
}

export interface RoomsOptions {
  posting: Posting;
  cache: RoomCache;
  invitations: Invitations;
  store: RoomStore;
  clock: Clock;
  audit: AuditLog;
  limits: Pick<Limits, "maxRoomsPerUser" | "maxMemberships" | "maxRoomMembers">;
  isUser(name: string): Promise<boolean>;
  refuseContact(sender: string, recipient: string): Promise<ChatError | undefined>;
}

/** Rooms and their members. Every change of a room is an entry of its log. */
export class Rooms {
  readonly #options: RoomsOptions;
  readonly #locks = new KeyedLock();

  constructor(options: RoomsOptions) {
    this.#options = options;
  }

  /** Creates a room owned by the caller. @throws {ChatError} `already_exists`, `limit_reached`, `invalid_argument` */
  create(
    actor: Pick<Identity, "user">,
    request: { id: string; name: string; isPublic: boolean; historyVisible: boolean },
  ): Promise<{ room: Room; duplicate: boolean }> {
    const { isPublic, historyVisible } = request;
    const name = parseRoomName(request.name);
    const { posting, cache, clock, audit } = this.#options;
    return this.#locks.run(actor.user, async () => {
      const id = await roomIdFor(actor.user, parseMessageId(request.id));
      const made = await cache.find(id);
      const noPeople = { roles: new Map(), inviters: new Map(), firstSeqs: new Map() };
      const settings = { name, topic: "", isPublic, historyVisible, mentionAll: mentionAllByDefault };
      const room = made ?? new RoomState({ id, ...settings, createdAt: clock.now(), ...noPeople, asOf: 0 });
      let refusal: ChatError | undefined;
      const draft = {
        id: request.id,
        event: { kind: "room_created", isPublic, historyVisible } as const,
        text: name,
        refresh: async () => void (refusal = await this.#refuseRoom(actor.user)),
        judge: () => refusal,
      };
      const { duplicate } = await posting.submit(await posting.checkRoomEvent(actor.user, room, draft));
      if (!duplicate) audit.record({ action: "room_created", actor: actor.user, subject: id });
      const known = cache.peek(id) ?? room;
      // The creator of a resent request may have been removed since.
      if (!known.may(actor.user, "see")) throw noSuchRoom(id);
      return { room: known.room, duplicate };
    });
  }

  /**
   * Joins a room.
   * @throws {ChatError} `not_found`, `permission_denied`, `already_exists` for a member, `limit_reached`
   */
  join(actor: Pick<Identity, "user">, request: RoomRequest): Promise<{ room: Room; entry: Posted }> {
    return this.#locks.run(actor.user, async () => {
      const { posting, cache, limits } = this.#options;
      const { user } = actor;
      const asked = await posting.room(user, request.room);
      let refusal: ChatError | undefined;
      const refresh = async () => void (refusal = await this.#refuseMembership(user));
      const judge = (room: RoomState) => {
        if (room.isMember(user)) return new ChatError("already_exists", `You are already in room ${room.label}.`);
        return refuseInRoom({ room, sender: user, needs: "join" }) ?? refuseFull(room, limits) ?? refusal;
      };
      const draft = { id: request.id, event: { kind: "joined" } as const, text: "", refresh, judge };
      const entry = await this.#post(actor, asked, draft);
      return { entry, room: (cache.peek(asked.id) ?? asked).room };
    });
  }

  /**
   * Adds a user to a room, also to a private one, on behalf of the operator: as if the user had joined.
   * @throws {ChatError} `not_found`, `permission_denied` for a banned user, `already_exists`, `limit_reached`
   */
  add(request: { id: string; roomId: string; user: string }): Promise<Posted> {
    const user = parseUserName(request.user);
    return this.#locks.run(user, async () => {
      const { posting, cache, limits, audit } = this.#options;
      await this.#requireUser(user);
      const asked = await cache.find(request.roomId);
      if (asked === undefined) throw noSuchRoom(request.roomId);
      let refusal: ChatError | undefined;
      const refresh = async () => void (refusal = await this.#refuseMembership(user));
      const judge = (room: RoomState) => refuseToAdd(room, user) ?? refuseFull(room, limits) ?? refusal;
      const draft = { id: request.id, event: { kind: "joined" } as const, text: "", refresh, judge };
      const posted = await posting.submit(await posting.checkRoomEvent(user, asked, draft));
      audit.record({ action: "room_member_added", actor: operator, subject: user, detail: asked.id });
      return posted;
    });
  }

  /**
   * Leaves a room, or declines an invitation.
   * @throws {ChatError} `not_found`; `permission_denied` for the only owner of a room with other members
   */
  async leave(actor: Pick<Identity, "user">, request: RoomRequest): Promise<Posted> {
    const { user } = actor;
    const judge = (room: RoomState) =>
      refuseInRoom({ room, sender: user, needs: "leave" }) ?? refuseToLeaveAlone(room, user);
    const room = await this.#options.posting.room(user, request.room);
    return await this.#post(actor, room, { id: request.id, event: { kind: "left" }, text: "", judge });
  }

  /**
   * Changes a room's name and visibility.
   * @throws {ChatError} `not_found`, `permission_denied`, `already_exists`, `invalid_argument`
   */
  update(
    actor: Pick<Identity, "user">,
    request: RoomRequest & { name?: string } & Partial<Pick<Room, "isPublic" | "historyVisible" | "mentionAll">>,
  ): Promise<Posted> {
    return this.#runInOrder(actor, request, async (room) => {
      const name = request.name === undefined ? room.name : parseRoomName(request.name);
      const event = { kind: "room_changed", ...settingsAfter(room, request), byOperator: false } as const;
      const judge = (room: RoomState) => refuseInRoom({ room, sender: actor.user, needs: "update" });
      return await this.#post(actor, room, { id: request.id, event, text: name, judge });
    });
  }

  /**
   * Sets who may mention all members, on behalf of the operator: in the name of an owner, or of another member of a room
   * without one.
   * @throws {ChatError} `not_found`; `permission_denied` for a room without members
   */
  setMentionAll({ id, roomId, mentionAll }: { id: string; roomId: string; mentionAll: MemberRole }): Promise<Posted> {
    return this.#locks.run(roomId, async () => {
      const { posting, cache, audit } = this.#options;
      const asked = await cache.find(roomId);
      if (asked === undefined) throw noSuchRoom(roomId);
      const sender = highestMember(asked);
      if (sender === undefined) {
        throw new ChatError("permission_denied", `Room ${asked.label} has no members: its next owner sets this.`);
      }
      const event = { kind: "room_changed", ...settingsAfter(asked, { mentionAll }), byOperator: true } as const;
      const judge = (room: RoomState) => refuseInRoom({ room, sender, needs: "send" });
      const draft = { id, event, text: asked.name, judge };
      const posted = await posting.submit(await posting.checkRoomEvent(sender, asked, draft));
      audit.record({ action: "room_changed", actor: operator, subject: asked.id, detail: `mentions ${mentionAll}` });
      return posted;
    });
  }

  /** Sets the topic. @throws {ChatError} `not_found`, `permission_denied`, `invalid_argument` */
  async setTopic(actor: Pick<Identity, "user">, request: RoomRequest & { topic: string }): Promise<Posted> {
    checkTopic(request.topic);
    const asked = await this.#options.posting.room(actor.user, request.room);
    const event = { kind: "topic_changed" } as const;
    const judge = (room: RoomState) => refuseInRoom({ room, sender: actor.user, needs: "set_topic" });
    return await this.#post(actor, asked, { id: request.id, event, text: request.topic, judge });
  }

  /** Invites a user. @throws {ChatError} `not_found`, `permission_denied`, `already_exists`, `limit_reached` */
  invite(actor: Pick<Identity, "user">, request: RoomRequest & { user: string }): Promise<Posted> {
    const user = parseUserName(request.user);
    return this.#runInOrder(actor, request, (asked) =>
      this.#locks.run(user, async () => {
        const { invitations, refuseContact } = this.#options;
        await this.#requireUser(user);
        let refusal: ChatError | undefined;
        const refresh = async () => {
          refusal = await refuseContact(actor.user, user) ?? await invitations.refusal(actor.user, user);
        };
        const judge = (room: RoomState) =>
          refuseInRoom({ room, sender: actor.user, needs: "invite" }) ?? refuseToInvite(room, user) ??
            refuseFull(room, this.#options.limits) ?? refusal;
        const event = { kind: "invited", user } as const;
        const posted = await this.#post(actor, asked, { id: request.id, event, text: "", refresh, judge });
        if (!posted.duplicate) await invitations.dropOldest(user);
        return posted;
      }));
  }

  /** Removes a member, withdraws an invitation, or bans a user. @throws {ChatError} `not_found`, `permission_denied` */
  remove(actor: Pick<Identity, "user">, request: RoomRequest & { user: string; ban: boolean }): Promise<Posted> {
    const user = parseUserName(request.user);
    return this.#runInOrder(actor, request, async (asked) => {
      if (request.ban) await this.#requireUser(user);
      const judge = (room: RoomState) => {
        const standing = room.standing(user);
        // By the log: a submitted departure may still be refused.
        const role = room.roles.get(user);
        const needs = role === "owner" || role === "moderator" ? `remove_${role}` as const : "remove_member";
        const refusal = refuseInRoom({ room, sender: actor.user, needs });
        if (refusal !== undefined) return refusal;
        if (user === actor.user) {
          return new ChatError("invalid_argument", "You cannot remove yourself: leave the room instead.");
        }
        const isThere = standing !== "banned" && (standing !== "stranger" || request.ban);
        return isThere ? undefined : notInRoom(user, room);
      };
      const event = { kind: "removed", user, banned: request.ban } as const;
      return await this.#post(actor, asked, { id: request.id, event, text: "", judge });
    });
  }

  /** Lifts a ban. @throws {ChatError} `not_found`, `permission_denied` */
  unban(actor: Pick<Identity, "user">, request: RoomRequest & { user: string }): Promise<Posted> {
    const user = parseUserName(request.user);
    return this.#runInOrder(actor, request, async (asked) => {
      const judge = (room: RoomState) => {
        const refusal = refuseInRoom({ room, sender: actor.user, needs: "unban" });
        if (refusal !== undefined || room.standing(user) === "banned") return refusal;
        return new ChatError("not_found", `${user} is not banned from room ${room.label}.`);
      };
      return await this.#post(actor, asked, { id: request.id, event: { kind: "unbanned", user }, text: "", judge });
    });
  }

  /** Sets a member's role. @throws {ChatError} `not_found`, `permission_denied` */
  setRole(
    actor: Pick<Identity, "user">,
    request: RoomRequest & { user: string; role: MemberRole },
  ): Promise<Posted> {
    const user = parseUserName(request.user);
    const { role } = request;
    return this.#runInOrder(actor, request, async (asked) => {
      const judge = (room: RoomState) =>
        refuseInRoom({ room, sender: actor.user, needs: "set_role" }) ?? refuseRole(room, user, role);
      const event = { kind: "role_changed", user, role } as const;
      return await this.#post(actor, asked, { id: request.id, event, text: "", judge });
    });
  }

  /** Lists public rooms by name. */
  async list(page: { query: string; after: string; limit: number; turn?: Turn }): Promise<Room[]> {
    return await this.#options.store.listPublicRooms(page);
  }

  /**
   * Lists a room's members and invited users by name, for moderators also banned ones.
   * @throws {ChatError} `not_found`
   */
  async members(user: string, address: string, page: { after: string; limit: number }): Promise<RoomMember[]> {
    const room = await this.#options.posting.room(user, address);
    const refusal = refuseInRoom({ room, sender: user, needs: "see_members" });
    if (refusal !== undefined) throw refusal;
    const seesBanned = room.may(user, "see_banned");
    return [...room.roles].map(([user, role]) => ({ user, role }))
      .filter(({ user, role }) => user > page.after && (role !== "banned" || seesBanned))
      .sort((one, other) => one.user < other.user ? -1 : 1)
      .slice(0, page.limit);
  }

  async #post(actor: Pick<Identity, "user">, room: RoomState, draft: RoomEventDraft): Promise<Posted> {
    const { posting, audit } = this.#options;
    const posted = await posting.submit(await posting.checkRoomEvent(actor.user, room, draft));
    const noted = posted.duplicate ? undefined : auditEventOf(draft.event, room.id);
    if (noted !== undefined) audit.record({ ...noted, actor: actor.user });
    return posted;
  }

  /**
   * Runs a task that depends on the room's state or roles after earlier such tasks are in the log. Joining and leaving
   * do not use it: many users may do so at once, and none should wait.
   */
  async #runInOrder<Result>(
    actor: Pick<Identity, "user">,
    request: RoomRequest,
    task: (room: RoomState) => Promise<Result>,
  ): Promise<Result> {
    const { posting } = this.#options;
    const { id } = await posting.room(actor.user, request.room);
    return await this.#locks.run(id, async () => await task(await posting.room(actor.user, id)));
  }

  async #requireUser(name: string): Promise<void> {
    if (!await this.#options.isUser(name)) throw new ChatError("not_found", `There is no user "${name}".`);
  }

  /** Returns why a user may create no further room. */
  async #refuseRoom(user: string): Promise<ChatError | undefined> {
    const { maxRoomsPerUser, maxMemberships } = this.#options.limits;
    const { created, joined } = await this.#countRooms(user);
    if (created < maxRoomsPerUser && joined < maxMemberships) return undefined;
    return new ChatError(
      "limit_reached",
      `You are in ${joined} of at most ${maxMemberships} rooms, and created ${created} of at most ` +
        `${maxRoomsPerUser}. Leave some first. An empty room counts until 30 days after its creation.`,
    );
  }

  async #refuseMembership(user: string): Promise<ChatError | undefined> {
    const { limits } = this.#options;
    if ((await this.#countRooms(user)).joined < limits.maxMemberships) return undefined;
    return new ChatError(
      "limit_reached",
      `You have reached the limit of ${limits.maxMemberships} rooms. Leave one first.`,
    );
  }

  #countRooms(user: string): Promise<{ created: number; joined: number }> {
    const { store, clock } = this.#options;
    return store.countRooms(user, { emptyAfter: clock.now() - emptyRoomMs });
  }
}

/** Returns the settings of a room after a change of some of them. */
function settingsAfter(
  room: RoomState,
  change: Partial<Pick<Room, "isPublic" | "historyVisible" | "mentionAll">>,
): Pick<Room, "isPublic" | "historyVisible" | "mentionAll"> {
  const { isPublic = room.isPublic, historyVisible = room.historyVisible, mentionAll = room.mentionAll } = change;
  return { isPublic, historyVisible, mentionAll };
}

/** Returns the first member, by name, of the highest role in a room. */
function highestMember(room: RoomState): string | undefined {
  const members = [...room.members()].filter((user) => room.isMember(user)).sort();
  const holders = memberRoles.toReversed().map((role) => members.find((user) => room.standing(user) === role));
  return holders.find((user) => user !== undefined);
}

/** Returns the audit event of a change in a room; undefined for changes that are not recorded. */
function auditEventOf(
  event: RoomEventDraft["event"],
  room: string,
): Pick<AuditEvent, "action" | "subject" | "detail"> | undefined {
  switch (event.kind) {
    case "removed": {
      const action = event.banned ? "room_member_banned" : "room_member_removed";
      return { action, subject: event.user, detail: room };
    }
    case "unbanned":
      return { action: "room_member_unbanned", subject: event.user, detail: room };
    case "role_changed":
      return { action: "role_changed", subject: event.user, detail: `${room} ${event.role}` };
    default:
      return undefined;
  }
}

function notInRoom(user: string, room: RoomState): ChatError {
  return new ChatError("not_found", `${user} is not in room ${room.label}.`);
}

function refuseFull(room: RoomState, limits: Pick<Limits, "maxRoomMembers">): ChatError | undefined {
  if (room.expectedMembers < limits.maxRoomMembers) return undefined;
  return new ChatError(
    "limit_reached",
    `Room ${room.label} is full: it has ${room.expectedMembers} members.`,
  );
}

function refuseToLeaveAlone(room: RoomState, user: string): ChatError | undefined {
  if (room.standing(user) !== "owner" || room.ownerCount > 1 || room.expectedMembers === 1) return undefined;
  return new ChatError(
    "permission_denied",
    `You are the only owner of room ${room.label}. Make another member an owner first.`,
  );
}

function refuseToAdd(room: RoomState, user: string): ChatError | undefined {
  if (room.isMember(user)) return new ChatError("already_exists", `${user} is already in room ${room.label}.`);
  if (room.standing(user) !== "banned") return undefined;
  return new ChatError(
    "permission_denied",
    `${user} is banned from room ${room.label}: a moderator lifts the ban with /unban ${user}.`,
  );
}

function refuseToInvite(room: RoomState, user: string): ChatError | undefined {
  const standing = room.standing(user);
  if (standing === "stranger") return undefined;
  if (standing === "banned") {
    return new ChatError("permission_denied", `${user} is banned from room ${room.label}. Lift the ban first.`);
  }
  const state = standing === "invited" ? "is already invited to" : "is already in";
  return new ChatError("already_exists", `${user} ${state} room ${room.label}.`);
}

function refuseRole(room: RoomState, user: string, role: MemberRole): ChatError | undefined {
  if (!room.isMember(user)) return notInRoom(user, room);
  if (room.standing(user) === role) {
    return new ChatError("already_exists", `${user} is already ${role} of room ${room.label}.`);
  }
  if (room.standing(user) !== "owner" || room.ownerCount > 1) return undefined;
  return new ChatError(
    "permission_denied",
    `Room ${room.label} would have no owner. Make another member an owner first.`,
  );
}
