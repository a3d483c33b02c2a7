import { kindCodes, messageEventCodes } from "./entry_columns.ts";

/** The end of an open span. */
export const openEnd = Number.MAX_SAFE_INTEGER;

/**
 * SQL: `entry` lies in a span of `user`. Both are aliases or parameters. Spans of a conversation never overlap, so the
 * last one that begins before the entry decides.
 */
function isInStay(user: string, entry: string): string {
  return `coalesce((
    SELECT v.last_seq FROM span v
    WHERE v.user = ${user} AND v.conversation = ${entry}.conversation AND v.first_seq <= ${entry}.seq
    ORDER BY v.first_seq DESC LIMIT 1), 0) >= ${entry}.seq`;
}

/**
 * SQL: `user` had not blocked `sender` at `position`. Blocks of a user by another never overlap, either. If `user` is a
 * parameter, SQLite checks only once per statement whether there are any blocks.
 */
export function isUnblocked(user: string, sender: string, position: string): string {
  return `(NOT EXISTS (SELECT 1 FROM block any_block WHERE any_block.user = ${user}) OR coalesce((
    SELECT b.through_position FROM block b
    WHERE b.user = ${user} AND b.blocked = ${sender} AND b.after_position < ${position}
    ORDER BY b.after_position DESC LIMIT 1), 0) < ${position})`;
}

/** SQL: `entry` lies in a span of `user`, and its sender was not blocked; ignores the entry that it refers to. */
function isReached(user: string, entry: string): string {
  return `${isInStay(user, entry)} AND ${isUnblocked(user, `${entry}.sender`, `${entry}.position`)}`;
}

/**
 * SQL: `user` may see `entry`, an alias of the table, which lies in one of their spans; for statements that walk spans.
 * An entry that refers to another one reveals it, so only users who may see the other one may see the entry.
 */
export function isShown(user: string, entry: string): string {
  return `${isUnblocked(user, `${entry}.sender`, `${entry}.position`)}
    AND (${entry}.kind = ${kindCodes.message} OR ${entry}.kind NOT IN (${messageEventCodes}) OR (
      SELECT 1 FROM entry about WHERE about.conversation = ${entry}.conversation AND about.seq = ${entry}.target
        AND ${isReached(user, "about")} LIMIT 1) IS NOT NULL)`;
}

/**
 * SQL: `user` may see `entry`, an alias of the table. Every statement that shows entries must use this or {@link
 * isShown}.
 */
export function isVisible(user: string, entry: string): string {
  return `${isInStay(user, entry)} AND ${isShown(user, entry)}`;
}

/**
 * SQL: `user`, who may see the message `entry`, may also see its text. The newest edit decides, because the text is
 * that of the edit; a missing edit hides the text. Every statement that reveals texts or their words must use this.
 */
export function isTextShown(user: string, entry: string): string {
  return `(${entry}.edited_seq IS NULL OR (
    SELECT 1 FROM entry edit WHERE edit.conversation = ${entry}.conversation AND edit.seq = ${entry}.edited_seq
      AND ${isReached(user, "edit")} LIMIT 1) IS NOT NULL)`;
}

/**
 * SQL: `user`, who may see a pinned message, may also see that it is pinned, by the entry `pinning`. A pin is the present
 * state of its conversation, for those who are in it now; others see the pins of their own stays.
 */
export function isPinShown(user: string, pinning: string): string {
  return `${isUnblocked(user, `${pinning}.sender`, `${pinning}.position`)} AND (${isInStay(user, pinning)} OR (
    SELECT 1 FROM span now WHERE now.user = ${user} AND now.conversation = ${pinning}.conversation
      AND now.last_seq = ${openEnd} LIMIT 1) IS NOT NULL)`;
}

/**
 * SQL: `user` may see `reaction`, a row of a message in `stay`, a row of their spans. A reaction before the end of that
 * stay is visible; for a later one, its entry must lie in another stay.
 */
export function isReactionShown(user: string, reaction: string, stay: string): string {
  return `${isUnblocked(user, `${reaction}.user`, `${reaction}.position`)}
    AND (${reaction}.position <= ${stay}.last_position OR (
      SELECT 1 FROM entry reacting WHERE reacting.position = ${reaction}.position AND ${isInStay(user, "reacting")}
      LIMIT 1) IS NOT NULL)`;
}
