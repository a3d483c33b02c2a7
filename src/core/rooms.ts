import type { AuditEvent, AuditLog } from "./audit.ts";
import { ChatError } from "./chat_error.ts";
import type { Clock } from "./clock.ts";
import type { Identity } from "./identity.ts";
import { KeyedLock } from "./keyed_lock.ts";
import type { Limits } from "./limits.ts";
import type { RoomEvent } from "./log_event.ts";
import { parseMessageId } from "./message_id.ts";
import type { RoomAction } from "./permissions.ts";
import { type Posted, type Posting, refuseInRoom } from "./posting.ts";
import { checkTopic, type CurrentRole, type MemberRole, parseRoomName, type Room, roomIdFor } from "./room.ts";
import type { RoomCache } from "./room_cache.ts";
import { RoomState } from "./room_state.ts";
import type { RoomStore } from "./room_store.ts";
import { parseUserName } from "./user_name.ts";

/** What every request carries that appends to a room's log: its id, as messages have, and the room's address. */
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
  store: RoomStore;
  clock: Clock;
  audit: AuditLog;
  limits: Pick<Limits, "maxRoomsPerUser" | "maxMemberships" | "maxRoomMembers">;
  isUser(name: string): Promise<boolean>;
  checkContact(sender: string, recipient: string): Promise<void>;
}

/** Rooms, and who is what in them. Everything that changes one is an entry of its log. */
export class Rooms {
  readonly #options: RoomsOptions;
  readonly #locks = new KeyedLock();

  constructor(options: RoomsOptions) {
    this.#options = options;
  }

  /** Makes a room, whose owner is the asker. @throws {ChatError} `already_exists`, `limit_reached`, `invalid_argument` */
  create(
    actor: Pick<Identity, "user">,
    request: { id: string; name: string; isPublic: boolean; historyVisible: boolean },
  ): Promise<{ room: Room; duplicate: boolean }> {
    const { isPublic, historyVisible } = request;
    const name = parseRoomName(request.name);
    const { cache, store, clock, limits } = this.#options;
    return this.#locks.run(actor.user, async () => {
      const id = await roomIdFor(actor.user, parseMessageId(request.id));
      const made = await cache.find(id);
      const createdAt = clock.now();
      const room = made ??
        new RoomState({
          id,
          name,
          topic: "",
          isPublic,
          historyVisible,
          createdAt,
          roles: new Map(),
          firstSeqs: new Map(),
        });
      const { created, joined } = await store.countRooms(actor.user);
      const full = created >= limits.maxRoomsPerUser || joined >= limits.maxMemberships;
      const refusal = full
        ? new ChatError(
          "limit_reached",
          `You made ${created} rooms and are in ${joined}; ${limits.maxRoomsPerUser} and ${limits.maxMemberships} are the most.`,
        )
        : undefined;
      const event = { kind: "room_created", isPublic, historyVisible } as const;
      // Nobody is anything yet in a room that is being made.
      const draft = { id: request.id, event, text: name, needs: undefined, refusal };
      const { duplicate } = await this.#options.posting.submit(
        this.#options.posting.checkRoomEvent(actor.user, room, draft),
      );
      if (!duplicate) this.#options.audit.record({ action: "room_created", actor: actor.user, subject: id });
      return { room: room.room, duplicate };
    });
  }

  /** @throws {ChatError} `not_found`, `permission_denied`, `already_exists` for a member, `limit_reached` */
  join(actor: Pick<Identity, "user">, request: RoomRequest): Promise<{ room: Room; entry: Posted }> {
    return this.#locks.run(actor.user, async () => {
      const room = await this.#options.posting.room(actor.user, request.room);
      const refusal = room.isMember(actor.user)
        ? new ChatError("already_exists", `You are in room ${room.label} already.`)
        : await this.#refuseMore(actor.user, room);
      const draft = { id: request.id, event: { kind: "joined" }, text: "", needs: "join", refusal } as const;
      return { entry: await this.#post(actor, room, draft), room: room.room };
    });
  }

  /** Leaves, or turns an invitation down. @throws {ChatError} `not_found`, `permission_denied` for the last of several members who owns it */
  async leave(actor: Pick<Identity, "user">, request: RoomRequest): Promise<Posted> {
    const room = await this.#options.posting.room(actor.user, request.room);
    const refusal = refuseToLeaveAlone(room, actor.user);
    return await this.#post(actor, room, {
      id: request.id,
      event: { kind: "left" },
      text: "",
      needs: "leave",
      refusal,
    });
  }

  /** @throws {ChatError} `not_found`, `permission_denied`, `already_exists`, `invalid_argument` */
  async update(
    actor: Pick<Identity, "user">,
    request: RoomRequest & { name?: string; isPublic?: boolean; historyVisible?: boolean },
  ): Promise<Posted> {
    const room = await this.#options.posting.room(actor.user, request.room);
    const name = request.name === undefined ? room.name : parseRoomName(request.name);
    const { isPublic = room.isPublic, historyVisible = room.historyVisible } = request;
    const event = { kind: "room_changed", isPublic, historyVisible } as const;
    return await this.#post(actor, room, { id: request.id, event, text: name, needs: "update" });
  }

  /** @throws {ChatError} `not_found`, `permission_denied`, `invalid_argument` */
  async setTopic(actor: Pick<Identity, "user">, request: RoomRequest & { topic: string }): Promise<Posted> {
    checkTopic(request.topic);
    const room = await this.#options.posting.room(actor.user, request.room);
    const event = { kind: "topic_changed" } as const;
    return await this.#post(actor, room, { id: request.id, event, text: request.topic, needs: "set_topic" });
  }

  /** @throws {ChatError} `not_found`, `permission_denied`, `already_exists`, `limit_reached` */
  async invite(actor: Pick<Identity, "user">, request: RoomRequest & { user: string }): Promise<Posted> {
    const { room, user } = await this.#about(actor, request);
    if (!await this.#options.isUser(user)) throw new ChatError("not_found", `There is no user "${user}".`);
    const standing = room.standing(user);
    let refusal: ChatError | undefined;
    if (standing === "banned") {
      refusal = new ChatError("permission_denied", `${user} is banned from room ${room.label}: lift the ban first.`);
    } else if (standing !== "stranger") {
      const state = standing === "invited" ? "is invited to" : "is in";
      refusal = new ChatError("already_exists", `${user} ${state} room ${room.label} already.`);
    } else refusal = await this.#refuseMore(user, room) ?? await this.#refuseContact(actor.user, user);
    const event = { kind: "invited", user } as const;
    return await this.#post(actor, room, { id: request.id, event, text: "", needs: "invite", refusal });
  }

  /** Removes somebody, takes an invitation back, or bans. @throws {ChatError} `not_found`, `permission_denied` */
  async remove(actor: Pick<Identity, "user">, request: RoomRequest & { user: string; ban: boolean }): Promise<Posted> {
    const { room, user } = await this.#about(actor, request);
    if (request.ban && !await this.#options.isUser(user)) {
      throw new ChatError("not_found", `There is no user "${user}".`);
    }
    const standing = room.standing(user);
    const needs = standing === "owner"
      ? "remove_owner"
      : standing === "moderator"
      ? "remove_moderator"
      : "remove_member";
    let refusal: ChatError | undefined;
    if (user === actor.user) {
      refusal = new ChatError("invalid_argument", "You cannot remove yourself: leave the room instead.");
    } else if (standing === "banned" || (standing === "stranger" && !request.ban)) refusal = notInRoom(user, room);
    const event = { kind: "removed", user, banned: request.ban } as const;
    return await this.#post(actor, room, { id: request.id, event, text: "", needs, refusal });
  }

  /** @throws {ChatError} `not_found`, `permission_denied` */
  async unban(actor: Pick<Identity, "user">, request: RoomRequest & { user: string }): Promise<Posted> {
    const { room, user } = await this.#about(actor, request);
    const refusal = room.standing(user) === "banned"
      ? undefined
      : new ChatError("not_found", `${user} is not banned from room ${room.label}.`);
    const event = { kind: "unbanned", user } as const;
    return await this.#post(actor, room, { id: request.id, event, text: "", needs: "unban", refusal });
  }

  /** @throws {ChatError} `not_found`, `permission_denied` */
  async setRole(
    actor: Pick<Identity, "user">,
    request: RoomRequest & { user: string; role: MemberRole },
  ): Promise<Posted> {
    const { room, user } = await this.#about(actor, request);
    const { role } = request;
    let refusal: ChatError | undefined;
    if (!room.isMember(user)) refusal = notInRoom(user, room);
    else if (room.standing(user) === role) {
      refusal = new ChatError("already_exists", `${user} is ${role} of room ${room.label} already.`);
    } else if (room.standing(user) === "owner" && room.ownerCount === 1) {
      refusal = new ChatError(
        "permission_denied",
        `Room ${room.label} would have no owner: make somebody else one first.`,
      );
    }
    const event = { kind: "role_changed", user, role } as const;
    return await this.#post(actor, room, { id: request.id, event, text: "", needs: "set_role", refusal });
  }

  /** Public rooms, by name. */
  async list(page: { query: string; after: string; limit: number }): Promise<Room[]> {
    return await this.#options.store.listPublicRooms(page);
  }

  /** By name. @throws {ChatError} `not_found` */
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

  async #post(
    actor: Pick<Identity, "user">,
    room: RoomState,
    draft: { id: string; event: RoomEvent; text: string; needs: RoomAction; refusal?: ChatError | undefined },
  ): Promise<Posted> {
    const { posting, audit } = this.#options;
    const posted = await posting.submit(
      posting.checkRoomEvent(actor.user, room, { refusal: undefined, ...draft }),
    );
    const noted = posted.duplicate ? undefined : noteOf(draft.event, room.room.id);
    if (noted !== undefined) audit.record({ ...noted, actor: actor.user });
    return posted;
  }

  async #about(
    actor: Pick<Identity, "user">,
    request: RoomRequest & { user: string },
  ): Promise<{ room: RoomState; user: string }> {
    const user = parseUserName(request.user);
    return { user, room: await this.#options.posting.room(actor.user, request.room) };
  }

  async #refuseMore(user: string, room: RoomState): Promise<ChatError | undefined> {
    const { store, limits } = this.#options;
    if (room.memberCount >= limits.maxRoomMembers) {
      return new ChatError(
        "limit_reached",
        `Room ${room.label} has ${room.memberCount} members, which is as many as it may.`,
      );
    }
    if ((await store.countRooms(user)).joined < limits.maxMemberships) return undefined;
    return new ChatError("limit_reached", `${user} is in ${limits.maxMemberships} rooms, which is as many as may be.`);
  }

  async #refuseContact(sender: string, recipient: string): Promise<ChatError | undefined> {
    try {
      await this.#options.checkContact(sender, recipient);
    } catch (error) {
      if (error instanceof ChatError) return error;
      throw error;
    }
    return undefined;
  }
}

/** What an audit log takes of a change in a room; undefined for what is only talk. */
function noteOf(event: RoomEvent, room: string): Pick<AuditEvent, "action" | "subject" | "detail"> | undefined {
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

function refuseToLeaveAlone(room: RoomState, user: string): ChatError | undefined {
  if (room.standing(user) !== "owner" || room.ownerCount > 1 || room.memberCount === 1) return undefined;
  return new ChatError(
    "permission_denied",
    `You are the only owner of room ${room.label}: make somebody else one first.`,
  );
}
