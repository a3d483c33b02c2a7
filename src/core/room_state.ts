import { ChatError } from "./chat_error.ts";
import type { RoomEvent } from "./log_event.ts";
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

/** A room as it is by the newest entry of its log, in memory. */
export class RoomState {
  readonly id: string;
  readonly createdAt: number;
  #name: string;
  #topic: string;
  #isPublic: boolean;
  #historyVisible: boolean;
  readonly #firstSeqs: Map<string, number>;
  readonly #roles: Map<string, CurrentRole>;
  #memberCount = 0;
  #ownerCount = 0;
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
    this.#roles = new Map();
    for (const [user, role] of record.roles) this.#setRole(user, role);
  }

  get name(): string {
    return this.#name;
  }

  get isPublic(): boolean {
    return this.#isPublic;
  }

  get historyVisible(): boolean {
    return this.#historyVisible;
  }

  get memberCount(): number {
    return this.#memberCount;
  }

  get ownerCount(): number {
    return this.#ownerCount;
  }

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
    return this.#isPublic ? `#${this.#name}` : `#${this.#name} (${this.id})`;
  }

  standing(user: string): Standing {
    return this.#roles.get(user) ?? "stranger";
  }

  isMember(user: string): boolean {
    return isMemberRole(this.#roles.get(user));
  }

  may(user: string, action: RoomAction): boolean {
    return mayDo(this.standing(user), action, this.#isPublic);
  }

  /** Everybody that it has to do with, except those who left. */
  get roles(): ReadonlyMap<string, CurrentRole> {
    return this.#roles;
  }

  /** From which seq on a member sees what is said, at most. */
  firstSeq(user: string): number {
    return this.#firstSeqs.get(user) ?? 1;
  }

  /** What takes something away from somebody counts before it is committed: nothing of theirs comes after it. */
  restrict({ sender, event }: RoomChange): void {
    if (event.kind === "left") this.#remove(sender);
    if (event.kind === "removed") this.#remove(event.user, event.banned);
    if (event.kind === "role_changed" && rank(event.role) < rank(this.standing(event.user))) {
      this.#setRole(event.user, event.role);
    }
  }

  /** It is in the log, at `seq`. */
  apply({ sender, event, text }: RoomChange, seq: number): void {
    switch (event.kind) {
      case "room_created":
        return this.#setRole(sender, "owner");
      case "joined":
        if (this.#historyVisible) this.#firstSeqs.delete(sender);
        else this.#firstSeqs.set(sender, seq);
        return this.#setRole(sender, "member");
      case "left":
        return this.#remove(sender);
      case "invited":
        return this.#setRole(event.user, "invited");
      case "removed":
        return this.#remove(event.user, event.banned);
      case "unbanned":
        return this.#remove(event.user);
      case "role_changed":
        return this.#setRole(event.user, event.role);
      case "topic_changed":
        this.#topic = text;
        return;
      case "room_changed":
        this.#name = text;
        this.#isPublic = event.isPublic;
        this.#historyVisible = event.historyVisible;
    }
  }

  #remove(user: string, banned = false): void {
    this.#setRole(user, banned ? "banned" : undefined);
  }

  #setRole(user: string, role: CurrentRole | undefined): void {
    const before = this.#roles.get(user);
    this.#memberCount += Number(isMemberRole(role)) - Number(isMemberRole(before));
    this.#ownerCount += Number(role === "owner") - Number(before === "owner");
    if (role === undefined) this.#roles.delete(user);
    else this.#roles.set(user, role);
  }
}

export function isMemberRole(role: CurrentRole | undefined): role is MemberRole {
  return role === "member" || role === "moderator" || role === "owner";
}

/** For whoever may not see a room, and for a room that does not exist: the same words. */
export function noSuchRoom(address: string): ChatError {
  return new ChatError("not_found", `There is no room "${address}" that you can see.`);
}

function rank(standing: Standing): number {
  return ["member", "moderator", "owner"].indexOf(standing);
}
