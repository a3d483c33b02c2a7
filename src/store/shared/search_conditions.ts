import { namedSince } from "./named_since.ts";
import { openEnd } from "./visibility.ts";

/**
 * SQL: the message `e` meets the conditions of a search by `user`. With both, the mention must be one that is counted:
 * that of an edit may be newer than `e`. The arguments are SQL, of a key and of flags.
 */
export function isSought(user: string, { mentionsMe, isUnread }: { mentionsMe: string; isUnread: string }): string {
  const readSeq = `coalesce((
    SELECT u.read_seq FROM member u WHERE u.conversation = e.conversation AND u.user = ${user}), ${openEnd})`;
  return `(NOT ${mentionsMe} OR (e.sender <> ${user}
      AND ${namedSince(user, { conversation: "e.conversation", message: "e.seq" })}
        > CASE WHEN ${isUnread} THEN ${readSeq} ELSE 0 END))
    AND (NOT ${isUnread} OR ${mentionsMe} OR (e.sender <> ${user} AND e.seq > ${readSeq}))`;
}
