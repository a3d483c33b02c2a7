import type { Message, Reaction } from "../../../core/messages/message.ts";
import { decodeText } from "../../shared/column_values.ts";
import type { Database } from "../database.ts";
import { runAtOnce, type Steps } from "../steps.ts";
import { Attachments } from "./attachments.ts";
import { kindCodes } from "../../shared/entry_columns.ts";
import { type EntryRow, toMessage } from "../../shared/entry_row.ts";
import { namedSince } from "../../shared/named_since.ts";
import { type PageLimits, type ReadEntries, sizeBesideText } from "../../shared/page_limits.ts";
import { isPinShown, isReactionShown, isTextShown } from "../../shared/visibility.ts";

/** Rows per statement; with texts of 16 KiB, 2 MiB are in memory. */
const rowsPerStatement = 128;

type ReadRow = EntryRow & {
  /** Whether it has or had a file. */
  readonly file: number;
  /** Whether there are reactions, even hidden ones; 0 unless marks are requested. */
  readonly reacted: number;
  /** Whether it is pinned, even if that is hidden; 0 unless marks are requested. */
  readonly pinned: number;
};

interface ReactionRow {
  emoji: Uint8Array;
  count: number;
  own: number;
  first: number;
}

/** SQL for the text of an edit, which is stored with its message; only the newest edit has a text. */
const textOfEdit = `(
    SELECT CASE WHEN t.deleted <> 0 THEN x'' WHEN t.edited_seq = e.seq AND ${isTextShown(":user", "t")} THEN t.text END
    FROM entry t WHERE t.conversation = e.conversation AND t.seq = e.target)`;

/** SQL: `e` may name members, by the text of a message or of an edit. */
const mayName = `(e.kind = ${kindCodes.edited} OR (e.kind = ${kindCodes.message} AND instr(e.text, x'40')))`;

function prepareStatements(database: Database) {
  return {
    // The first table of a CROSS JOIN is the outer loop, so entries come in the order of the positions
    // (https://sqlite.org/lang_select.html).
    read: database.prepare(
      `SELECT e.position, c.name AS conversation, e.seq, u.name AS sender, lower(hex(e.id)) AS id,
         e.accepted_at,
         CASE WHEN e.kind = ${kindCodes.edited} THEN ${textOfEdit} WHEN ${
        isTextShown(":user", "e")
      } THEN e.text END AS text,
         e.seq - e.uncounted AS ordinal, e.kind, e.target,
         (SELECT s.name FROM user s WHERE s.id = e.subject) AS subject, e.edited_at, e.deleted, e.file, e.automatic, e.audience,
         CASE WHEN ${mayName} AND e.sender <> :user THEN ${
        namedSince(":user", {
          conversation: "e.conversation",
          message: `iif(e.kind = ${kindCodes.edited}, e.target, e.seq)`,
        })
      } END AS named_since,
         CASE WHEN :marks THEN EXISTS (
           SELECT 1 FROM reaction r WHERE r.conversation = e.conversation AND r.seq = e.seq) ELSE 0 END AS reacted,
         CASE WHEN :marks THEN EXISTS (
           SELECT 1 FROM pin p WHERE p.conversation = e.conversation AND p.seq = e.seq) ELSE 0 END AS pinned
       FROM json_each(:positions) given CROSS JOIN entry e ON e.position = given.value
         CROSS JOIN conversation c ON c.id = e.conversation CROSS JOIN user u ON u.id = e.sender`,
    ),
    reactions: database.prepare(
      `SELECT r.emoji, count(*) AS count, max(r.user = :user) AS own, min(r.position) AS first
       FROM entry e
         CROSS JOIN span s ON s.user = :user AND s.conversation = e.conversation AND s.first_seq <= e.seq AND s.last_seq >= e.seq
         CROSS JOIN reaction r ON r.conversation = e.conversation AND r.seq = e.seq
       WHERE e.position = :position AND ${isReactionShown(":user", "r", "s")} GROUP BY r.emoji`,
    ),
    isPinned: database.prepare(
      `SELECT 1 FROM entry e CROSS JOIN pin p ON p.conversation = e.conversation AND p.seq = e.seq
         CROSS JOIN entry pinning ON pinning.position = p.position
       WHERE e.position = :position AND ${isPinShown(":user", "pinning")}`,
    ),
  };
}

/** Reads the entries at given positions, and decides which texts the user may see. */
export class EntryReader {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #attachments: Attachments;

  constructor(database: Database) {
    this.#statements = prepareStatements(database);
    this.#attachments = new Attachments(database);
  }

  /**
   * Reads the entries at `positions`, in this order, for `user`, a key, up to the limits, but always the first entry. A
   * statement per entry would cost twice as much. Entries may change or disappear between steps; each is read in its
   * current state.
   * @param limits.marks reads the reactions and the pin of each entry, too
   */
  *read(
    user: number,
    positions: readonly number[],
    { limit, maxBytes, marks = false }: PageLimits & { readonly marks?: boolean },
  ): Steps<ReadEntries> {
    const messages: Message[] = [];
    let bytes = 0;
    const wanted = positions.slice(0, limit);
    for (let first = 0; first < wanted.length; first += rowsPerStatement) {
      const some = JSON.stringify(wanted.slice(first, first + rowsPerStatement));
      const rows = this.#statements.read.all({ user, positions: some, marks: Number(marks) });
      for (const row of rows as unknown as ReadRow[]) {
        const message = this.#toMessage(row, user);
        bytes += (row.text?.length ?? 0) + sizeBesideText(message);
        if (messages.length > 0 && bytes > maxBytes) return { messages, isWhole: false };
        messages.push(message);
        yield;
      }
    }
    return { messages, isWhole: wanted.length === positions.length };
  }

  readOne(user: number, position: number): Message {
    return runAtOnce(this.read(user, [position], { limit: 1, maxBytes: 0 })).messages[0];
  }

  #toMessage(row: ReadRow, user: number): Message {
    const message = toMessage(row);
    const attachment = row.file === 0 ? undefined : this.#attachments.at(row.position);
    const reactions = row.reacted === 0 ? [] : this.#readReactions(row.position, user);
    const pinned = row.pinned !== 0 && this.#statements.isPinned.get({ user, position: row.position }) !== undefined;
    if (attachment === undefined && reactions.length === 0 && !pinned) return message;
    return {
      ...message,
      ...(attachment && { attachment }),
      ...(reactions.length > 0 && { reactions }),
      ...(pinned && { pinned }),
    };
  }

  #readReactions(position: number, user: number): Reaction[] {
    const rows = this.#statements.reactions.all({ user, position }) as unknown as ReactionRow[];
    rows.sort((one, other) => one.first - other.first);
    return rows.map(({ emoji, count, own }) => ({ emoji: decodeText(emoji), count, own: own !== 0 }));
  }
}
