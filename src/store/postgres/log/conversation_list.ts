import type { ConversationSummary } from "../../../core/messages/message_store.ts";
import { roleCodes } from "../../shared/codes.ts";
import { invitationBase, isInvitationShown } from "../../shared/conversation_summary.ts";
import type { PageLimits } from "../../shared/page_limits.ts";
import { openEnd } from "../../shared/visibility.ts";
import type { Queries } from "../connection/connection.ts";
import { headOf } from "./conversation_head.ts";
import type { ConversationSummaries } from "./conversation_summaries.ts";

const user = "$1::bigint";
const before = "$2::bigint";
const limit = "$3::bigint";

/**
 * The newest conversations of the user before a position: invitations, direct conversations, rooms by their newest
 * entries, and left rooms by the end of the last stay. A user who was invited again has the room among the invitations. A
 * direct conversation whose first head is not written is later than the page.
 */
export const listStatement = `SELECT conversation, position FROM (
    (SELECT m.conversation, m.invited_position + ${invitationBase} AS position FROM member m
      WHERE m.user = ${user} AND m.role = ${roleCodes.invited} AND m.invited_position < ${before} - ${invitationBase}
        AND ${isInvitationShown(user)}
      ORDER BY m.invited_position DESC LIMIT ${limit})
    UNION ALL
    (SELECT m.conversation, m.head_position FROM member m
      WHERE m.user = ${user} AND m.room = 0 AND m.head_position > 0 AND m.head_position < ${before}
      ORDER BY m.head_position DESC LIMIT ${limit})
    UNION ALL
    (SELECT s.conversation, head.position FROM span s CROSS JOIN LATERAL (
        SELECT ${headOf("s.conversation").position} AS position LIMIT 1) head
      WHERE s.user = ${user} AND s.room = 1 AND s.last_position = ${openEnd} AND head.position < ${before})
    UNION ALL
    (SELECT s.conversation, s.last_position FROM span s
      WHERE s.user = ${user} AND s.room = 1 AND s.last_position < ${before} AND s.last_position < ${openEnd}
        AND (SELECT later.first_seq FROM span later
          WHERE later.user = ${user} AND later.conversation = s.conversation
          ORDER BY later.first_seq DESC LIMIT 1) = s.first_seq
        AND (SELECT 1 FROM member m
          WHERE m.conversation = s.conversation AND m.user = ${user} AND m.role = ${roleCodes.invited}
            AND ${isInvitationShown(user)} LIMIT 1) IS NULL
      ORDER BY s.last_position DESC LIMIT ${limit})
  ) listed ORDER BY position DESC LIMIT ${limit}`;

/** Reads a user's invitations and conversations. `user` is a key. The heads of direct conversations are written. */
export class ConversationList {
  readonly #summaries: ConversationSummaries;

  constructor(summaries: ConversationSummaries) {
    this.#summaries = summaries;
  }

  async page(
    queries: Queries,
    user: number,
    { beforePosition, limit, maxBytes }: PageLimits & { beforePosition: number },
  ): Promise<{ conversations: ConversationSummary[]; more: boolean }> {
    // One more than requested, to know whether there is more.
    const values = [user, beforePosition === 0 ? openEnd : beforePosition, limit + 1];
    const listed = await queries.query<{ conversation: number; position: number }>(listStatement, values);
    const { conversations, isWhole } = await this.#summaries.of(queries, user, {
      keys: listed.slice(0, limit).map(({ conversation }) => conversation),
      positions: new Map(listed.map(({ conversation, position }) => [conversation, position])),
      maxBytes,
    });
    return { conversations, more: !isWhole || listed.length > limit };
  }

  /** Returns one of those; undefined if the user has nothing to do with it. */
  async one(queries: Queries, user: number, conversation: string): Promise<ConversationSummary | undefined> {
    const [found] = await queries.query<{ id: number }>("SELECT id FROM conversation WHERE name = $1", [conversation]);
    if (found === undefined) return undefined;
    const { conversations } = await this.#summaries.of(queries, user, { keys: [found.id], maxBytes: 0 });
    return conversations.at(0);
  }
}
