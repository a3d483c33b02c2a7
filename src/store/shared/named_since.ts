/**
 * SQL for the seq from which a message has named a user without a break: its own, or that of an edit; null if it does not
 * name them. The arguments are SQL: keys of a user and a conversation, and the seq of a message. The plus has the mentions
 * found by their message, of which a user has fewer than in a conversation.
 */
export function namedSince(user: string, { conversation, message }: { conversation: string; message: string }): string {
  return `(SELECT min(named.seq) FROM (
    SELECT seq FROM mention WHERE conversation = ${conversation} AND message = ${message} AND +mention.user = ${user}
    UNION ALL SELECT seq FROM room_mention WHERE conversation = ${conversation} AND message = ${message}) named)`;
}
