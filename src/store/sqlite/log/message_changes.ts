import { type EventOf, isRoomEvent, type MessageEvent } from "../../../core/messages/log_event.ts";
import type { Append } from "../../../core/messages/message_store.ts";
import { audienceCodes } from "../codes.ts";
import { encodeText } from "../column_values.ts";
import type { Database } from "../database.ts";
import { Attachments } from "./attachments.ts";
import { kindCodes } from "./entry_columns.ts";
import type { PlacedEntry } from "./room_changes.ts";
import type { UserIds } from "./user_ids.ts";
import { isPinShown, isVisible } from "./visibility.ts";

/** Maximum number of different emoji on one message. */
const maxEmoji = 20;
/** Maximum number of pins that a user sees in a conversation, and of those that the conversation has. */
const maxShownPins = 50;
const maxPins = 200;

interface Target {
  readonly sender: number;
  readonly deleted: number;
  readonly audience: number;
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
      "INSERT INTO mention (user, conversation, seq, message) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    ),
    mentioned: database.prepare("SELECT user, seq FROM mention WHERE conversation = ? AND message = ?"),
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

  /** Applies the event of an entry that was added in the same transaction. */
  apply(event: MessageEvent, append: Append, entry: PlacedEntry): void {
    const { setText, addReaction, removeReaction, addPin, removePin } = this.#statements;
    const { conversation, sender } = entry;
    switch (event.kind) {
      case "edited":
        this.#changeMentions(append, event.target, entry);
        setText.run(
          encodeText(append.text),
          entry.acceptedAt,
          entry.seq,
          codeOf(append.audience),
          conversation,
          event.target,
        );
        return;
      case "deleted":
        return this.#erase(conversation, event.target);
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

  /** Adds the mentions of a new message. */
  addMentions({ mentions = [], audience, here = [] }: Append, conversation: number, seq: number): void {
    const { addMention, addRoomMention } = this.#statements;
    for (const name of [...mentions, ...here]) addMention.run(this.#users.get(name), conversation, seq, seq);
    if (audience === "room") addRoomMention.run(conversation, seq, seq);
  }

  /** Replaces the mentions of a message by those of an edit: a new mention counts from the edit on. */
  #changeMentions(
    { mentions = [], audience, here = [] }: Append,
    message: number,
    { conversation, seq }: PlacedEntry,
  ): void {
    const { target, mentioned, addMention, removeMentions } = this.#statements;
    const rows = mentioned.all(conversation, message) as unknown as { user: number; seq: number }[];
    const before = new Map(rows.map((row) => [row.user, row.seq]));
    // The members who were online when the message was sent stay named.
    const wasHere = (target.get(conversation, message) as unknown as Target).audience === audienceCodes.here;
    const staysHere = wasHere && audience === "here";
    if (!staysHere) removeMentions.run(conversation, message);
    for (const name of staysHere ? mentions : [...mentions, ...here]) {
      const user = this.#users.get(name);
      addMention.run(user, conversation, before.get(user) ?? seq, message);
    }
    this.#changeRoomMention(audience === "room", message, { conversation, seq });
  }

  #changeRoomMention(
    isForRoom: boolean,
    message: number,
    { conversation, seq }: Pick<PlacedEntry, "conversation" | "seq">,
  ) {
    const { addRoomMention, roomMentioned, removeRoomMention } = this.#statements;
    const before = roomMentioned.get(conversation, message) !== undefined;
    if (before && !isForRoom) removeRoomMention.run(conversation, message);
    if (!before && isForRoom) addRoomMention.run(conversation, seq, message);
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

/** Returns the value of entry.audience. */
export function codeOf(audience: Append["audience"]): number {
  return audience === undefined ? 0 : audienceCodes[audience];
}
