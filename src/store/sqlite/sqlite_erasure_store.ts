import type { ErasureStore } from "../../core/messages/erasure.ts";
import { settle } from "../shared/column_values.ts";
import type { Database } from "./database.ts";
import { Attachments } from "./log/attachments.ts";
import { kindCodes } from "../shared/entry_columns.ts";

interface EntryRow {
  position: number;
  conversation: number;
  seq: number;
  id: Uint8Array;
  kind: number;
}

function prepareStatements(database: Database) {
  return {
    next: database.prepare("SELECT user, after_id AS afterId FROM erasure LIMIT 1"),
    entries: database.prepare(
      "SELECT position, conversation, seq, id, kind FROM entry WHERE sender = ? AND id > ? ORDER BY id LIMIT +?",
    ),
    blank: database.prepare(
      "UPDATE entry SET text = x'', edited_at = NULL, edited_seq = NULL, deleted = 1 WHERE position = ?",
    ),
    removeReactions: database.prepare("DELETE FROM reaction WHERE conversation = ? AND seq = ?"),
    removeMentions: database.prepare("DELETE FROM mention WHERE conversation = ? AND message = ?"),
    removeRoomMention: database.prepare("DELETE FROM room_mention WHERE conversation = ? AND message = ?"),
    removePin: database.prepare("DELETE FROM pin WHERE conversation = ? AND seq = ?"),
    move: database.prepare("UPDATE erasure SET after_id = ? WHERE user = ?"),
    finish: database.prepare("DELETE FROM erasure WHERE user = ?"),
  };
}

/** Blanks the messages of each erased user in the order of their ids, in the same database as the message store. */
export class SqliteErasureStore implements ErasureStore {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #attachments: Attachments;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#attachments = new Attachments(database);
  }

  blankSome(limit: number): Promise<number> {
    return settle(() => {
      for (;;) {
        const next = this.#statements.next.get() as { user: number; afterId: Uint8Array } | undefined;
        if (!next) return 0;
        const count = this.#database.transaction(() => this.#blank(next, limit));
        if (count > 0) return count;
      }
    });
  }

  #blank({ user, afterId }: { user: number; afterId: Uint8Array }, limit: number): number {
    const { entries, blank, removeReactions, removeMentions, removeRoomMention, removePin, move, finish } =
      this.#statements;
    const rows = entries.all(user, afterId, limit) as unknown as EntryRow[];
    for (const { position, conversation, seq, kind } of rows) {
      if (kind !== kindCodes.message) continue;
      blank.run(position);
      removeReactions.run(conversation, seq);
      removeMentions.run(conversation, seq);
      removeRoomMention.run(conversation, seq);
      removePin.run(conversation, seq);
      this.#attachments.removeAt(conversation, seq);
    }
    const last = rows.at(-1);
    if (last === undefined) finish.run(user);
    else move.run(last.id, user);
    return rows.length;
  }
}
