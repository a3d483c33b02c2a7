import { ChatError } from "../chat_error.ts";
import type { EventOf, RoomEvent } from "../messages/log_event.ts";
import type { Message } from "../messages/message.ts";
import { mayDo, type RoomAction, type Standing } from "./permissions.ts";
import { type CurrentRole, type MemberRole, memberRoles, type Room } from "./room.ts";
import type { RoomRecord } from "./room_store.ts";

/** An event of a room and its author. */
export interface RoomChange {
  readonly sender: string;
  readonly event: RoomEvent;
  /** The new name or topic, for events that have one. */
  readonly text: string;
}

/**
 * A room in memory: the state of its log, plus submitted events that are not in the log yet. A restriction counts from
 * its submission, so that no entry of the restricted user follows it; a grant counts once it is in the log.
 */
export class RoomState {
  readonly id: string;
  readonly createdAt: number;
  /** The state is of this position of the log or of a later one: entries up to it came before that state. */
  readonly asOf: number;
  #name: string;
  #topic: string;
  #isPublic: boolean;
  #historyVisible: boolean;
  #mentionAll: MemberRole;
  readonly #firstSeqs: Map<string, number>;
  readonly #roles: Map<string, CurrentRole>;
  readonly #inviters: Map<string, string>;
  #memberCount = 0;
  #ownerCount = 0;
  /** Submitted restrictions that are not in the log, in its order, by restricted user. */
  readonly #restrictions = new Map<string, Set<RoomChange>>();
  /** Submitted changes that are not in the log. */
  readonly #submitted = new Set<RoomChange>();
  /** Submitted changes of settings that are not in the log. */
  readonly #updates = new Set<EventOf<"room_changed">>();
  readonly #joins = new Set<RoomChange>();
  /** Submitted entries that are not committed: while there are any, only this object knows the room's state. */
  pending = 0;
  /** Whether it was used since the cache last looked at it to evict it. */
  wasUsed = false;
  /** Whether it has to be read from the store again, as soon as it has no pending entries. */
  isOutdated = false;

  constructor(record: RoomRecord) {
    this.id = record.id;
    this.createdAt = record.createdAt;
    this.asOf = record.asOf;
    this.#name = record.name;
    this.#topic = record.topic;
    this.#isPublic = record.isPublic;
    this.#historyVisible = record.historyVisible;
    this.#mentionAll = record.mentionAll;
    this.#firstSeqs = new Map(record.firstSeqs);
    this.#inviters = new Map(record.inviters);
    this.#roles = new Map();
    for (const [user, role] of record.roles) this.#setRole(user, role);
  }

  get name(): string {
    return this.#name;
  }

  get isPublic(): boolean {
    return this.#isPublic && (this.#updates.size === 0 || this.#updates.values().every(({ isPublic }) => isPublic));
  }

  get mentionAll(): MemberRole {
    let highest = this.#mentionAll;
    for (const { mentionAll } of this.#updates) if (rank(mentionAll) > rank(highest)) highest = mentionAll;
    return highest;
  }

  get historyVisible(): boolean {
    return this.#historyVisible;
  }

  /** Members by the log. */
  get memberCount(): number {
    return this.#memberCount;
  }

  /** Members by the log, plus submitted joins. */
  get expectedMembers(): number {
    return this.#memberCount + this.#joins.size;
  }

  get ownerCount(): number {
    let count = this.#ownerCount;
    for (const user of this.#restrictions.keys()) {
      count -= Number(this.#roles.get(user) === "owner" && this.standing(user) !== "owner");
    }
    return count;
  }

  /** Whether a change was submitted that is not in the log. */
  get isChanging(): boolean {
    return this.#submitted.size > 0;
  }

  /** The room by the log. */
  get room(): Room {
    return {
      id: this.id,
      name: this.#name,
      topic: this.#topic,
      isPublic: this.#isPublic,
      historyVisible: this.#historyVisible,
      mentionAll: this.#mentionAll,
      memberCount: this.#memberCount,
      createdAt: this.createdAt,
    };
  }

  /** Name for people: "#ops", with the id when it is private. */
  get label(): string {
    return this.isPublic ? `#${this.#name}` : `#${this.#name} (${this.id})`;
  }

  standing(user: string): Standing {
    let role = this.#roles.get(user);
    for (const { event } of this.#restrictions.get(user) ?? []) role = restrictedRole(role, event);
    return role ?? "stranger";
  }

  isMember(user: string): boolean {
    return isMemberRole(this.standing(user));
  }

  /** Returns whether a user is a member by the log, and so sees new entries. */
  hasMember(user: string): boolean {
    return isMemberRole(this.#roles.get(user));
  }

  /** Yields the members by the log. */
  *members(): Iterable<string> {
    for (const [user, role] of this.#roles) if (isMemberRole(role)) yield user;
  }

  may(user: string, action: RoomAction): boolean {
    return mayDo(this.standing(user), action, this);
  }

  /** Roles by the log, of all but those who left. */
  get roles(): ReadonlyMap<string, CurrentRole> {
    return this.#roles;
  }

  /** Returns the inviter of a user, by the log. */
  inviterOf(user: string): string | undefined {
    return this.#inviters.get(user);
  }

  /** Returns the first seq that a member may see. */
  firstSeq(user: string): number {
    return this.#firstSeqs.get(user) ?? 1;
  }

  /** Adds a submitted change, until {@link apply} or {@link settle}. */
  submitted(change: RoomChange): void {
    const { event } = change;
    this.#submitted.add(change);
    if (event.kind === "joined") this.#joins.add(change);
    if (event.kind === "room_changed") this.#updates.add(event);
    const subject = restrictedUser(change);
    if (subject === undefined) return;
    const known = this.#restrictions.get(subject);
    if (known === undefined) this.#restrictions.set(subject, new Set([change]));
    else known.add(change);
  }

  /** Removes a submitted change that is in the log or was refused. Idempotent. */
  settle(change: RoomChange): void {
    this.#submitted.delete(change);
    this.#joins.delete(change);
    if (change.event.kind === "room_changed") this.#updates.delete(change.event);
    const subject = restrictedUser(change);
    const known = subject === undefined ? undefined : this.#restrictions.get(subject);
    if (known?.delete(change) && known.size === 0) this.#restrictions.delete(subject!);
  }

  /** Applies a change that is in the log, by the same rules as the store; up to {@link asOf}, it has it already. */
  apply(change: RoomChange, { position, seq }: Pick<Message, "position" | "seq">): void {
    this.settle(change);
    if (position <= this.asOf) return;
    const { sender, event, text } = change;
    switch (event.kind) {
      case "room_created":
        return this.#setRole(sender, "owner");
      case "joined":
        if (this.hasMember(sender)) return;
        if (this.#historyVisible) this.#firstSeqs.delete(sender);
        else this.#firstSeqs.set(sender, seq);
        return this.#setRole(sender, this.#memberCount === 0 ? "owner" : "member");
      case "left":
        if (this.#roles.get(sender) !== "banned") this.#setRole(sender, undefined);
        return;
      case "invited":
        if (this.#roles.has(event.user)) return;
        this.#inviters.set(event.user, sender);
        return this.#setRole(event.user, "invited");
      case "removed":
        return this.#setRole(event.user, restrictedRole(this.#roles.get(event.user), event));
      case "unbanned":
        if (this.#roles.get(event.user) === "banned") this.#setRole(event.user, undefined);
        return;
      case "role_changed":
        if (this.hasMember(event.user)) this.#setRole(event.user, event.role);
        return;
      case "topic_changed":
        this.#topic = text;
        return;
      case "room_changed":
        this.#name = text;
        this.#isPublic = event.isPublic;
        this.#historyVisible = event.historyVisible;
        this.#mentionAll = event.mentionAll;
        return;
      default:
        event satisfies never;
    }
  }

  #setRole(user: string, role: CurrentRole | undefined): void {
    const before = this.#roles.get(user);
    this.#memberCount += Number(isMemberRole(role)) - Number(isMemberRole(before));
    this.#ownerCount += Number(role === "owner") - Number(before === "owner");
    if (!isMemberRole(role)) this.#firstSeqs.delete(user);
    if (role !== "invited") this.#inviters.delete(user);
    if (role === undefined) this.#roles.delete(user);
    else this.#roles.set(user, role);
  }
}

/** Returns the user that a change may restrict. */
function restrictedUser({ sender, event }: RoomChange): string | undefined {
  if (event.kind === "left") return sender;
  return event.kind === "removed" || event.kind === "role_changed" ? event.user : undefined;
}

/** Returns the role that remains after a restriction. */
function restrictedRole(role: CurrentRole | undefined, event: RoomEvent): CurrentRole | undefined {
  switch (event.kind) {
    case "left":
      return role === "banned" ? role : undefined;
    case "removed":
      return event.banned || role === "banned" ? "banned" : undefined;
    case "role_changed":
      return isMemberRole(role) && rank(event.role) < rank(role) ? event.role : role;
    default:
      return role;
  }
}

export function isMemberRole(role: Standing | undefined): role is MemberRole {
  return role === "member" || role === "moderator" || role === "owner";
}

/** The error for a room that is missing or hidden from the user; the same for both. */
export function noSuchRoom(address: string): ChatError {
  return new ChatError("not_found", `There is no room "${address}" that you can see.`);
}

function rank(role: MemberRole): number {
  return memberRoles.indexOf(role);
}
