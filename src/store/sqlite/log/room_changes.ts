import type { RoomEvent } from "../../../core/messages/log_event.ts";
import type { Append } from "../../../core/messages/message_store.ts";
import { roleCodes } from "../../shared/codes.ts";
import { encodeText } from "../../shared/column_values.ts";
import type { Database } from "../database.ts";
import type { UserIds } from "./user_ids.ts";
import { openEnd } from "../../shared/visibility.ts";

/** The place of an entry that was added in the open transaction; users and conversations are given by key. */
export interface PlacedEntry {
  readonly conversation: number;
  readonly seq: number;
  readonly position: number;
  /** The number of events among the entries up to this one. */
  readonly uncounted: number;
  readonly sender: number;
  readonly acceptedAt: number;
}

interface RoomRow {
  readonly showsHistory: number;
  readonly members: number;
}

function prepareStatements(database: Database) {
  return {
    publicRoom: database.prepare("SELECT conversation FROM room WHERE public = 1 AND name = ?"),
    addRoom: database.prepare(
      `INSERT INTO room (conversation, name, topic, public, history_visible, creator, created_at, members)
       VALUES (?, ?, x'', ?, ?, ?, ?, 0)`,
    ),
    room: database.prepare("SELECT history_visible AS showsHistory, members FROM room WHERE conversation = ?"),
    setTopic: database.prepare("UPDATE room SET topic = ? WHERE conversation = ?"),
    update: database.prepare(
      "UPDATE room SET name = ?, public = ?, history_visible = ?, mention_all = ? WHERE conversation = ?",
    ),
    count: database.prepare("UPDATE room SET members = members + ? WHERE conversation = ?"),
    role: database.prepare("SELECT role FROM member WHERE conversation = ? AND user = ?"),
    enter: database.prepare(
      `INSERT INTO member (conversation, user, role, room, read_seq, read_uncounted) VALUES (?, ?, ?, 1, ?, ?)
       ON CONFLICT (conversation, user) DO UPDATE SET
         role = excluded.role, inviter = NULL, left_name = NULL, read_seq = excluded.read_seq,
         read_uncounted = excluded.read_uncounted`,
    ),
    invite: database.prepare(
      `INSERT INTO member (conversation, user, role, room, inviter, invited_position)
       VALUES (?, ?, ${roleCodes.invited}, 1, ?, ?)
       ON CONFLICT (conversation, user) DO UPDATE SET
         role = excluded.role, inviter = excluded.inviter, invited_position = excluded.invited_position`,
    ),
    rememberName: database.prepare(
      `UPDATE member SET left_name = (SELECT r.name FROM room r WHERE r.conversation = member.conversation)
       WHERE conversation = ? AND user = ?`,
    ),
    setRole: database.prepare(
      `INSERT INTO member (conversation, user, role, room) VALUES (?, ?, ?, 1)
       ON CONFLICT (conversation, user) DO UPDATE SET role = excluded.role, inviter = NULL`,
    ),
    forget: database.prepare("DELETE FROM member WHERE conversation = ? AND user = ?"),
    hasStayed: database.prepare("SELECT 1 FROM span WHERE user = ? AND conversation = ? LIMIT 1"),
    forgetStays: database.prepare("DELETE FROM span WHERE user = ? AND conversation = ?"),
    resumeStay: database.prepare(
      `UPDATE span SET last_seq = ${openEnd}, last_position = ${openEnd}
       WHERE user = ? AND conversation = ? AND last_seq = ?`,
    ),
    beginStay: database.prepare(
      `INSERT INTO span (user, conversation, first_seq, last_seq, last_position, room)
       VALUES (?, ?, ?, ${openEnd}, ${openEnd}, 1)`,
    ),
    endStay: database.prepare(
      `UPDATE span SET last_seq = ?, last_position = ? WHERE user = ? AND conversation = ? AND last_seq = ${openEnd}`,
    ),
  };
}

/** Applies the events of rooms to the tables of rooms, members and spans. Does not check the sender's permissions. */
export class RoomChanges {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #users: UserIds;

  constructor(database: Database, users: UserIds) {
    this.#statements = prepareStatements(database);
    this.#users = users;
  }

  /** Whether the event would give a second public room the same name. `conversation` is undefined for a new room. */
  isNameTaken({ event, text }: Append, conversation: number | undefined): boolean {
    if (event?.kind !== "room_created" && event?.kind !== "room_changed") return false;
    if (!event.isPublic) return false;
    const found = this.#statements.publicRoom.get(text) as { conversation: number } | undefined;
    return found !== undefined && found.conversation !== conversation;
  }

  /** Applies the event of an entry that was added in the same transaction. */
  apply(event: RoomEvent, text: string, entry: PlacedEntry): void {
    const { addRoom, setTopic, update } = this.#statements;
    const { conversation, sender } = entry;
    switch (event.kind) {
      case "room_created": {
        const { isPublic, historyVisible } = event;
        addRoom.run(conversation, text, Number(isPublic), Number(historyVisible), sender, entry.acceptedAt);
        return this.#enter(sender, entry, { role: roleCodes.owner, firstSeq: entry.seq });
      }
      case "joined":
        return this.#join(entry);
      case "left":
        return this.#leave(sender, entry, roleCodes.left);
      case "invited":
        return this.#invite(this.#users.get(event.user), entry);
      case "removed":
        return this.#leave(this.#users.get(event.user), entry, event.banned ? roleCodes.banned : roleCodes.left);
      case "unbanned":
        return this.#unban(this.#users.get(event.user), conversation);
      case "role_changed":
        return this.#changeRole(this.#users.get(event.user), conversation, roleCodes[event.role]);
      case "topic_changed":
        return void setTopic.run(encodeText(text), conversation);
      case "room_changed": {
        const { isPublic, historyVisible, mentionAll } = event;
        update.run(text, Number(isPublic), Number(historyVisible), roleCodes[mentionAll], conversation);
        return;
      }
      default:
        event satisfies never;
    }
  }

  #join(entry: PlacedEntry): void {
    const { conversation, sender, seq } = entry;
    if (isMember(this.#roleOf(conversation, sender))) return;
    const { showsHistory, members } = this.#statements.room.get(conversation) as unknown as RoomRow;
    // The first user to join an empty room becomes its owner.
    const role = members === 0 ? roleCodes.owner : roleCodes.member;
    this.#enter(sender, entry, { role, firstSeq: showsHistory === 0 ? seq : 1 });
  }

  #enter(user: number, entry: PlacedEntry, { role, firstSeq }: { role: number; firstSeq: number }): void {
    const { enter, count, forgetStays, resumeStay, beginStay } = this.#statements;
    const { conversation, seq } = entry;
    enter.run(conversation, user, role, seq, entry.uncounted);
    count.run(1, conversation);
    // Stays must neither overlap nor touch.
    if (firstSeq < seq) forgetStays.run(user, conversation);
    else if (resumeStay.run(user, conversation, seq - 1).changes !== 0) return;
    beginStay.run(user, conversation, firstSeq);
  }

  /** Removes a member, revokes an invitation, or bans a user, who need not be a member. */
  #leave(user: number, { conversation, seq, position }: PlacedEntry, role: number): void {
    const { count, endStay, rememberName } = this.#statements;
    const before = this.#roleOf(conversation, user);
    if (isMember(before)) {
      count.run(-1, conversation);
      // The stay includes this entry, so the user sees it.
      endStay.run(seq, position, user, conversation);
      rememberName.run(conversation, user);
    }
    if (role === roleCodes.banned || isMember(before)) this.#statements.setRole.run(conversation, user, role);
    else if (before === roleCodes.invited) this.#restoreFormerRole(user, conversation);
  }

  #invite(user: number, { conversation, sender, position }: PlacedEntry): void {
    const before = this.#roleOf(conversation, user);
    if (before !== undefined && before !== roleCodes.left) return;
    this.#statements.invite.run(conversation, user, sender, position);
  }

  #unban(user: number, conversation: number): void {
    if (this.#roleOf(conversation, user) === roleCodes.banned) this.#restoreFormerRole(user, conversation);
  }

  #changeRole(user: number, conversation: number, role: number): void {
    if (isMember(this.#roleOf(conversation, user))) this.#statements.setRole.run(conversation, user, role);
  }

  /** Gives a user the role "left" if they were once a member; otherwise removes the row. */
  #restoreFormerRole(user: number, conversation: number): void {
    const { hasStayed, setRole, forget } = this.#statements;
    if (hasStayed.get(user, conversation)) setRole.run(conversation, user, roleCodes.left);
    else forget.run(conversation, user);
  }

  #roleOf(conversation: number, user: number): number | undefined {
    return (this.#statements.role.get(conversation, user) as { role: number } | undefined)?.role;
  }
}

function isMember(role: number | undefined): boolean {
  return role !== undefined && role <= roleCodes.owner;
}
