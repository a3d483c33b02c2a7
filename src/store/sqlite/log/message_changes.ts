import { isRoomEvent, type MessageEvent } from "../../../core/messages/log_event.ts";
import type { Append } from "../../../core/messages/message_store.ts";
import { encodeText } from "../column_values.ts";
import type { Database } from "../database.ts";
import { Attachments } from "./attachments.ts";
import { kindCodes } from "./entry_columns.ts";
import type { PlacedEntry } from "./room_changes.ts";
import type { UserIds } from "./user_ids.ts";

/** Maximum number of different emoji on one message. */
const maxEmoji = 20;

interface Target {
  readonly sender: number;
  readonly deleted: number;
}

function prepareStatements(database: Database) {
  return {
    target: database.prepare(
      `SELECT sender, deleted FROM entry WHERE conversation = ? AND seq = ? AND kind = ${kindCodes.message}`,
    ),
    setText: database.prepare(
      "UPDATE entry SET text = ?, edited_at = ?, edited_seq = ? WHERE conversation = ? AND seq = ?",
    ),
    erase: database.prepare(
      `UPDATE entry SET text = x'', edited_at = NULL, edited_seq = NULL, deleted = 1 WHERE conversation = ? AND seq = ?`,
    ),
    addMention: database.prepare(
      "INSERT INTO mention (user, conversation, seq) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    ),
    removeMentions: database.prepare("DELETE FROM mention WHERE conversation = ? AND seq = ?"),
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
  };
}

/** Applies edits, deletions and reactions to messages. Does not check the sender's permissions. */
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
   * "no_reaction" if the sender has no such reaction to remove.
   */
  findObstacle(
    { event }: Append,
    sender: number,
    conversation: number | undefined,
  ): "gone" | "too_many" | "no_reaction" | undefined {
    if (event === undefined || isRoomEvent(event)) return undefined;
    const target = conversation === undefined
      ? undefined
      : this.#statements.target.get(conversation, event.target) as Target | undefined;
    if (target === undefined || target.deleted !== 0) return "gone";
    if (event.kind === "edited" && target.sender !== sender) return "gone";
    if (event.kind !== "reacted") return undefined;
    const emoji = encodeText(event.emoji);
    if (event.removed) {
      return this.#statements.hasReaction.get(conversation!, event.target, emoji, sender) ? undefined : "no_reaction";
    }
    if (this.#statements.hasEmoji.get(conversation!, event.target, emoji)) return undefined;
    const { count } = this.#statements.countEmoji.get(conversation!, event.target) as { count: number };
    return count >= maxEmoji ? "too_many" : undefined;
  }

  /** Applies the event of an entry that was added in the same transaction. */
  apply(event: MessageEvent, { text, mentions = [] }: Append, entry: PlacedEntry): void {
    const { setText, addReaction, removeReaction } = this.#statements;
    const { conversation, sender } = entry;
    switch (event.kind) {
      case "edited":
        setText.run(encodeText(text), entry.acceptedAt, entry.seq, conversation, event.target);
        this.#statements.removeMentions.run(conversation, event.target);
        return this.addMentions(mentions, conversation, event.target);
      case "deleted":
        return this.#erase(conversation, event.target);
      case "reacted": {
        const emoji = encodeText(event.emoji);
        if (event.removed) removeReaction.run(conversation, event.target, emoji, sender);
        else addReaction.run(conversation, event.target, emoji, sender, entry.position);
        return;
      }
      default:
        event satisfies never;
    }
  }

  addMentions(mentions: readonly string[], conversation: number, seq: number): void {
    for (const name of mentions) this.#statements.addMention.run(this.#users.get(name), conversation, seq);
  }

  /** Erases a message but keeps its place in the log. Everything that is stored about messages must be erased here. */
  #erase(conversation: number, seq: number): void {
    const { erase, removeReactions, removeMentions } = this.#statements;
    erase.run(conversation, seq);
    removeReactions.run(conversation, seq);
    removeMentions.run(conversation, seq);
    this.#attachments.removeAt(conversation, seq);
  }
}
