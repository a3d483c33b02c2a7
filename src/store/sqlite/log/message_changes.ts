import { type EventOf, isRoomEvent, type MessageEvent } from "../../../core/messages/log_event.ts";
import type { Append } from "../../../core/messages/message_store.ts";
import type { NamedReaders, Naming } from "../../../core/messages/naming.ts";
import { audienceCodes, toAudienceCode } from "../../shared/codes.ts";
import { encodeText } from "../../shared/column_values.ts";
import type { Database } from "../database.ts";
import { Attachments } from "./attachments.ts";
import { kindCodes } from "../../shared/entry_columns.ts";
import { maxEmoji, maxPins, maxShownPins } from "../../shared/log_limits.ts";
import type { PlacedEntry } from "./room_changes.ts";
import type { UserIds } from "./user_ids.ts";
import { isPinShown, isVisible } from "../../shared/visibility.ts";

interface Target {
  readonly sender: number;
  readonly deleted: number;
  readonly audience: number;
}

interface MentionRow {
  readonly name: string;
  /** The seq from which the message has named them. */
  readonly seq: number;
  /** Whether "@here" names them. */
  readonly here: number;
}

/** The mentions of a message before an edit. */
interface MentionsBefore {
  readonly rows: readonly MentionRow[];
  /** The seq from which it has named all members. */
  readonly all: number | undefined;
  /** Whether it names those who were online. */
  readonly wasHere: boolean;
}

function prepareStatements(database: Database) {
  return {
    target: database.prepare(
      `SELECT sender, deleted, audience FROM entry WHERE conversation = ? AND seq = ? AND kind = ${kindCodes.message}`,
    ),
    setText: database.prepare(
      "UPDATE entry SET text = ?, edited_at = ?, edited_seq = ?, audience = ? WHERE conversation = ? AND seq = ?",
    ),
    erase: database.prepare(
      `UPDATE entry SET text = x'', edited_at = NULL, edited_seq = NULL, deleted = 1 WHERE conversation = ? AND seq = ?`,
    ),
    addMention: database.prepare(
      "INSERT INTO mention (user, conversation, seq, message, here) VALUES (?, ?, ?, ?, ?)",
    ),
    mentioned: database.prepare(
      `SELECT u.name, m.seq, m.here FROM mention m CROSS JOIN user u ON u.id = m.user
       WHERE m.conversation = ? AND m.message = ?`,
    ),
    removeMentions: database.prepare("DELETE FROM mention WHERE conversation = ? AND message = ?"),
    addRoomMention: database.prepare("INSERT INTO room_mention (conversation, seq, message) VALUES (?, ?, ?)"),
    roomMentioned: database.prepare("SELECT seq FROM room_mention WHERE conversation = ? AND message = ?"),
    removeRoomMention: database.prepare("DELETE FROM room_mention WHERE conversation = ? AND message = ?"),
    hasEmoji: database.prepare("SELECT 1 FROM reaction WHERE conversation = ? AND seq = ? AND emoji = ? LIMIT 1"),
    hasReaction: database.prepare(
      "SELECT 1 FROM reaction WHERE conversation = ? AND seq = ? AND emoji = ? AND user = ?",
    ),
    countEmoji: database.prepare(
      "SELECT count(DISTINCT emoji) AS count FROM reaction WHERE conversation = ? AND seq = ?",
    ),
    addReaction: database.prepare(
      `INSERT INTO reaction (conversation, seq, emoji, user, position) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (conversation, seq, emoji, user) DO NOTHING`,
    ),
    removeReaction: database.prepare(
      "DELETE FROM reaction WHERE conversation = ? AND seq = ? AND emoji = ? AND user = ?",
    ),
    removeReactions: database.prepare("DELETE FROM reaction WHERE conversation = ? AND seq = ?"),
    isPinned: database.prepare(
      `SELECT 1 FROM pin p CROSS JOIN entry pinning ON pinning.position = p.position
       WHERE p.conversation = :conversation AND p.seq = :seq AND ${isPinShown(":user", "pinning")}`,
    ),
    countPins: database.prepare(
      `SELECT count(*) AS total, count(*) FILTER (WHERE ${isPinShown(":user", "pinning")} AND ${
        isVisible(":user", "e")
      }) AS shown
       FROM pin p CROSS JOIN entry e ON e.conversation = p.conversation AND e.seq = p.seq
         CROSS JOIN entry pinning ON pinning.position = p.position
       WHERE p.conversation = :conversation`,
    ),
    addPin: database.prepare(
      `INSERT INTO pin (conversation, seq, position) VALUES (?, ?, ?)
       ON CONFLICT (conversation, seq) DO UPDATE SET position = excluded.position`,
    ),
    removePin: database.prepare("DELETE FROM pin WHERE conversation = ? AND seq = ?"),
  };
}

/** Applies edits, deletions, reactions and pins to messages. Does not check the sender's permissions. */
export class MessageChanges {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #users: UserIds;
  readonly #attachments: Attachments;

  constructor(database: Database, users: UserIds) {
    this.#statements = prepareStatements(database);
    this.#users = users;
    this.#attachments = new Attachments(database);
  }

  /**
   * Returns why an event cannot be applied: "gone" if its message does not exist or, for an edit, is not the sender's;
   * "no_reaction" if the sender has no such reaction to remove. Pins that the sender does not see do not count.
   */
  findObstacle(
    { event }: Append,
    sender: number,
    conversation: number | undefined,
  ): "gone" | "too_many" | "no_reaction" | "pinned" | "not_pinned" | "too_many_pins" | undefined {
    if (event === undefined || isRoomEvent(event)) return undefined;
    const target = conversation === undefined
      ? undefined
      : this.#statements.target.get(conversation, event.target) as Target | undefined;
    if (target === undefined || target.deleted !== 0) return "gone";
    if (event.kind === "edited" && target.sender !== sender) return "gone";
    if (event.kind === "pinned") return this.#findPinObstacle(event, { sender, conversation: conversation! });
    if (event.kind !== "reacted") return undefined;
    const emoji = encodeText(event.emoji);
    if (event.removed) {
      return this.#statements.hasReaction.get(conversation!, event.target, emoji, sender) ? undefined : "no_reaction";
    }
    if (this.#statements.hasEmoji.get(conversation!, event.target, emoji)) return undefined;
    const { count } = this.#statements.countEmoji.get(conversation!, event.target) as { count: number };
    return count >= maxEmoji ? "too_many" : undefined;
  }

  #findPinObstacle(
    { target: seq, removed }: EventOf<"pinned">,
    { sender: user, conversation }: { sender: number; conversation: number },
  ): "pinned" | "not_pinned" | "too_many_pins" | undefined {
    const { isPinned, countPins } = this.#statements;
    const isShown = isPinned.get({ user, conversation, seq }) !== undefined;
    if (removed) return isShown ? undefined : "not_pinned";
    if (isShown) return "pinned";
    const { total, shown } = countPins.get({ user, conversation }) as { total: number; shown: number };
    return shown >= maxShownPins || total >= maxPins ? "too_many_pins" : undefined;
  }

  /** Applies the event of an entry that was added in the same transaction. @returns the readers that an edit names */
  apply(event: MessageEvent, append: Append, entry: PlacedEntry): NamedReaders | undefined {
    const { setText, addReaction, removeReaction, addPin, removePin } = this.#statements;
    const { conversation, sender } = entry;
    switch (event.kind) {
      case "edited": {
        const named = this.#changeMentions(append, event.target, entry);
        setText.run(
          encodeText(append.text),
          entry.acceptedAt,
          entry.seq,
          toAudienceCode(append.audience),
          conversation,
          event.target,
        );
        return named;
      }
      case "deleted":
        this.#erase(conversation, event.target);
        return;
      case "reacted": {
        const emoji = encodeText(event.emoji);
        if (event.removed) removeReaction.run(conversation, event.target, emoji, sender);
        else addReaction.run(conversation, event.target, emoji, sender, entry.position);
        return;
      }
      case "pinned":
        if (event.removed) removePin.run(conversation, event.target);
        else addPin.run(conversation, event.target, entry.position);
        return;
      default:
        event satisfies never;
    }
  }

  /** Adds the mentions of a new message. @returns the readers that it names */
  addMentions(append: Append, conversation: number, seq: number): NamedReaders | undefined {
    return this.#writeMentions(append, { conversation, message: seq, seq, before: undefined });
  }

  /**
   * Replaces the mentions of a message by those of an edit. A member that it named before stays named from then on, and a
   * new mention counts from the edit on. The members who were online when the message said "@here" stay named by it.
   */
  #changeMentions(append: Append, message: number, { conversation, seq }: PlacedEntry): NamedReaders | undefined {
    const { target, mentioned, removeMentions, roomMentioned, removeRoomMention } = this.#statements;
    const { audience } = target.get(conversation, message) as unknown as Target;
    const rows = mentioned.all(conversation, message) as unknown as MentionRow[];
    const { seq: all } = (roomMentioned.get(conversation, message) ?? {}) as { seq?: number };
    removeMentions.run(conversation, message);
    removeRoomMention.run(conversation, message);
    const before = { rows, all, wasHere: audience === audienceCodes.here };
    return this.#writeMentions(append, { conversation, message, seq, before });
  }

  #writeMentions(
    { mentions = [], here = [], audience }: Append,
    { conversation, message, seq, before }: {
      conversation: number;
      message: number;
      /** Of the message, or of its edit. */
      seq: number;
      before: MentionsBefore | undefined;
    },
  ): NamedReaders | undefined {
    const { addMention, addRoomMention } = this.#statements;
    const rows = before?.rows ?? [];
    const earlier = new Map(rows.map((row) => [row.name, row.seq]));
    const present = audience !== "here"
      ? []
      : before?.wasHere
      ? rows.filter((row) => row.here !== 0).map(({ name }) => name)
      : here;
    const isHere = new Set(present);
    // "@room" names the earlier named members too, who stay named from before.
    const kept = audience === "room" ? earlier.keys() : [];
    const named = new Map<string, Naming>();
    for (const name of new Set([...mentions, ...present, ...kept])) {
      const since = earlier.get(name) ?? before?.all;
      addMention.run(this.#users.get(name), conversation, since ?? seq, message, isHere.has(name) ? 1 : 0);
      named.set(name, since === undefined ? "new" : "kept");
    }
    if (audience === "room") addRoomMention.run(conversation, before?.all ?? seq, message);
    const others = audience !== "room" ? undefined : before?.all === undefined ? "new" : "kept";
    return named.size === 0 && others === undefined ? undefined : { users: named, others };
  }

  /** Erases a message but keeps its place in the log. Everything that is stored about messages must be erased here. */
  #erase(conversation: number, seq: number): void {
    const { erase, removeReactions, removeMentions, removeRoomMention, removePin } = this.#statements;
    erase.run(conversation, seq);
    removeRoomMention.run(conversation, seq);
    removeReactions.run(conversation, seq);
    removeMentions.run(conversation, seq);
    removePin.run(conversation, seq);
    this.#attachments.removeAt(conversation, seq);
  }
}
