import { ChatError } from "../chat_error.ts";
import type { RoomEvent } from "../messages/log_event.ts";
import { mayDo, type RoomAction, type Standing } from "./permissions.ts";
import type { CurrentRole, MemberRole, Room } from "./room.ts";
import type { RoomRecord } from "./room_store.ts";

/** What happens in a room: the event, and who made it happen. */
export interface RoomChange {
  readonly sender: string;
  readonly event: RoomEvent;
  /** Name or topic, as the event wants it. */
  readonly text: string;
}

/**
 * A room in memory: what its log says, and what was submitted and is not in the log yet. What takes something away from somebody counts from
 * when it was submitted, so that nothing of theirs comes after it; what gives something counts when it is in the log.
 */
export class RoomState {
  readonly id: string;
  readonly createdAt: number;
  #name: string;
  #topic: string;
  #isPublic: boolean;
  #historyVisible: boolean;
  readonly #firstSeqs: Map<string, number>;
  readonly #roles: Map<string, CurrentRole>;
  readonly #inviters: Map<string, string>;
  #memberCount = 0;
  #ownerCount = 0;
  /** Submitted, and not in the log: in the order of the log, by whom they take something from. */
  readonly #restrictions = new Map<string, Set<RoomChange>>();
  readonly #closings = new Set<RoomChange>();
  readonly #joins = new Set<RoomChange>();
  /** Entries that were submitted and not committed: while there are some, nothing else knows what the room is. */
  pending = 0;

  constructor(record: RoomRecord) {
    this.id = record.id;
    this.createdAt = record.createdAt;
    this.#name = record.name;
    this.#topic = record.topic;
    this.#isPublic = record.isPublic;
    this.#historyVisible = record.historyVisible;
    this.#firstSeqs = new Map(record.firstSeqs);
    this.#inviters = new Map(record.inviters);
    this.#roles = new Map();
    for (const [user, role] of record.roles) this.#setRole(user, role);
  }

  get name(): string {
    return this.#name;
  }

  get isPublic(): boolean {
    return this.#isPublic && this.#closings.size === 0;
  }

  get historyVisible(): boolean {
    return this.#historyVisible;
  }

  /** By the log. */
  get memberCount(): number {
    return this.#memberCount;
  }

  /** How many are members, or are going to be. */
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

  /** By the log. */
  get room(): Room {
    return {
      id: this.id,
      name: this.#name,
      topic: this.#topic,
      isPublic: this.#isPublic,
      historyVisible: this.#historyVisible,
      memberCount: this.#memberCount,
      createdAt: this.createdAt,
    };
  }

  /** How people call it: "#ops", or its id when it is private. */
  get label(): string {
    return this.isPublic ? `#${this.#name}` : `#${this.#name} (${this.id})`;
  }

  standing(user: string): Standing {
    let role = this.#roles.get(user);
    for (const { event } of this.#restrictions.get(user) ?? []) role = restricted(role, event);
    return role ?? "stranger";
  }

  isMember(user: string): boolean {
    return isMemberRole(this.standing(user));
  }

  /** By the log: whether somebody sees what is added to it now. */
  hasMember(user: string): boolean {
    return isMemberRole(this.#roles.get(user));
  }

  may(user: string, action: RoomAction): boolean {
    return mayDo(this.standing(user), action, this.isPublic);
  }

  /** By the log: everybody that it has to do with, except those who left. */
  get roles(): ReadonlyMap<string, CurrentRole> {
    return this.#roles;
  }

  /** By the log: by whom a user is invited. */
  inviterOf(user: string): string | undefined {
    return this.#inviters.get(user);
  }

  /** From which seq on a member sees what is said, at most. */
  firstSeq(user: string): number {
    return this.#firstSeqs.get(user) ?? 1;
  }

  /** It was submitted; until {@link apply} or {@link settle}. */
  submitted(change: RoomChange): void {
    const { event } = change;
    if (event.kind === "joined") this.#joins.add(change);
    if (event.kind === "room_changed" && !event.isPublic) this.#closings.add(change);
    const subject = restrictedBy(change);
    if (subject === undefined) return;
    const known = this.#restrictions.get(subject);
    if (known === undefined) this.#restrictions.set(subject, new Set([change]));
    else known.add(change);
  }

  /** It is in the log, or will never be. Idempotent. */
  settle(change: RoomChange): void {
    this.#joins.delete(change);
    this.#closings.delete(change);
    const subject = restrictedBy(change);
    const known = subject === undefined ? undefined : this.#restrictions.get(subject);
    if (known?.delete(change) && known.size === 0) this.#restrictions.delete(subject!);
  }

  /** It is in the log, at `seq`. What it means is what the store makes of it. */
  apply(change: RoomChange, seq: number): void {
    this.settle(change);
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
        return this.#setRole(event.user, restricted(this.#roles.get(event.user), event));
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

/** Whom a change may take something from. */
function restrictedBy({ sender, event }: RoomChange): string | undefined {
  if (event.kind === "left") return sender;
  return event.kind === "removed" || event.kind === "role_changed" ? event.user : undefined;
}

/** What is left to somebody of what they were. */
function restricted(role: CurrentRole | undefined, event: RoomEvent): CurrentRole | undefined {
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

/** For whoever may not see a room, and for a room that does not exist: the same words. */
export function noSuchRoom(address: string): ChatError {
  return new ChatError("not_found", `There is no room "${address}" that you can see.`);
}

function rank(role: MemberRole): number {
  return ["member", "moderator", "owner"].indexOf(role);
}
