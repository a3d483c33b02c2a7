import type { MoveRead } from "../../../core/messages/message_store.ts";
import type { Database } from "../database.ts";
import { kindCodes } from "../../shared/entry_columns.ts";
import { maxOwnRun } from "../../shared/log_limits.ts";
import { namedSince } from "../../shared/named_since.ts";

function prepareStatements(database: Database) {
  return {
    moveCursor: database.prepare(
      `INSERT INTO consumer (device, name, position) VALUES ((SELECT id FROM device WHERE public_id = ?), ?, ?)
       ON CONFLICT (device, name) DO UPDATE SET position = max(position, excluded.position)`,
    ),
    newestStay: database.prepare(
      `SELECT last_seq AS lastSeq FROM span WHERE user = ? AND conversation = ? ORDER BY first_seq DESC LIMIT 1`,
    ),
    readSeq: database.prepare("SELECT read_seq AS readSeq FROM member WHERE conversation = ? AND user = ?"),
    hasOthers: database.prepare(
      `SELECT 1 FROM entry WHERE conversation = ? AND seq > ? AND seq <= ? AND kind = ${kindCodes.message} AND deleted = 0
         AND sender <> ? LIMIT 1`,
    ),
    isMentioned: database.prepare(
      `SELECT 1 FROM (
         SELECT message FROM mention
         WHERE user = :user AND conversation = :conversation AND seq > :after AND seq <= :through
         UNION ALL SELECT message FROM room_mention
         WHERE conversation = :conversation AND seq > :after AND seq <= :through
       ) n CROSS JOIN entry e ON e.conversation = :conversation AND e.seq = n.message
       WHERE e.sender <> :user AND ${namedSince(":user", { conversation: ":conversation", message: "e.seq" })} > :after
       LIMIT 1`,
    ),
    moveRead: database.prepare(
      `UPDATE member SET read_seq = :seq, read_uncounted =
         coalesce((SELECT uncounted FROM entry WHERE conversation = :conversation AND seq = :seq), read_uncounted)
       WHERE conversation = :conversation AND user = :user AND read_seq < :seq`,
    ),
  };
}

/** Moves delivery cursors and read positions, in the caller's transaction. */
export class ReaderPositions {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(database: Database) {
    this.#statements = prepareStatements(database);
  }

  moveCursor(deviceId: string, consumer: string, position: number): void {
    this.#statements.moveCursor.run(deviceId, consumer, position);
  }

  /** Moves the read position of a user in a conversation, both given by key. */
  moveRead(
    user: number,
    { id: conversation, headSeq }: { id: number; headSeq: number },
    { seq, ownOnly }: Pick<MoveRead, "seq" | "ownOnly">,
  ): void {
    const { newestStay, moveRead } = this.#statements;
    const stay = newestStay.get(user, conversation) as { lastSeq: number } | undefined;
    const through = Math.min(seq, headSeq, stay?.lastSeq ?? 0);
    if (!ownOnly || this.#hasReadAllOfOthers(user, conversation, through)) {
      moveRead.run({ conversation, user, seq: through });
    }
  }

  /** Whether `user` has read all messages of others, and all edits of others that mention them, up to `seq`. */
  #hasReadAllOfOthers(user: number, conversation: number, seq: number): boolean {
    const { readSeq, hasOthers, isMentioned } = this.#statements;
    const member = readSeq.get(conversation, user) as { readSeq: number } | undefined;
    return member !== undefined && seq - member.readSeq <= maxOwnRun &&
      hasOthers.get(conversation, member.readSeq, seq, user) === undefined &&
      isMentioned.get({ user, conversation, after: member.readSeq, through: seq }) === undefined;
  }
}
