import { kindCodes, messageEventCodes } from "./entry_columns.ts";

/** Where a span ends that is still open. */
export const openEnd = Number.MAX_SAFE_INTEGER;

/**
 * SQL: `user` was in the conversation of `entry` when it came, or may see what was before. Both are aliases or parameters. Spans of one
 * conversation never overlap, so the last that begins before the entry tells.
 */
function isInStay(user: string, entry: string): string {
  return `coalesce((
    SELECT v.last_seq FROM span v
    WHERE v.user = ${user} AND v.conversation = ${entry}.conversation AND v.first_seq <= ${entry}.seq
    ORDER BY v.first_seq DESC LIMIT 1), 0) >= ${entry}.seq`;
}

/**
 * SQL: `user` had not blocked `sender` when what has this `position` came. Blocks of one user by another never overlap either. Whether there
 * are any is asked once for a statement, when `user` is a parameter.
 */
export function isUnblocked(user: string, sender: string, position: string): string {
  return `(NOT EXISTS (SELECT 1 FROM block any_block WHERE any_block.user = ${user}) OR coalesce((
    SELECT b.through_position FROM block b
    WHERE b.user = ${user} AND b.blocked = ${sender} AND b.after_position < ${position}
    ORDER BY b.after_position DESC LIMIT 1), 0) < ${position})`;
}

/** SQL: the row `entry` itself came within a stay of `user` and not from a sender whom they had blocked, whatever it is about. */
function isReached(user: string, entry: string): string {
  return `${isInStay(user, entry)} AND ${isUnblocked(user, `${entry}.sender`, `${entry}.position`)}`;
}

/**
 * SQL: `user` may see `entry`, an alias of the table, which lies in one of their spans: for statements that walk those. What is about another
 * entry tells of it; so it is seen by those only who may see that.
 */
export function isShown(user: string, entry: string): string {
  return `${isUnblocked(user, `${entry}.sender`, `${entry}.position`)}
    AND (${entry}.kind = ${kindCodes.message} OR ${entry}.kind NOT IN (${messageEventCodes}) OR EXISTS (
      SELECT 1 FROM entry about WHERE about.conversation = ${entry}.conversation AND about.seq = ${entry}.target
        AND ${isReached(user, "about")}))`;
}

/** SQL: `user` may see `entry`, an alias of the table. Everything that shows entries to a user asks this, or {@link isShown}. */
export function isVisible(user: string, entry: string): string {
  return `${isInStay(user, entry)} AND ${isShown(user, entry)}`;
}

/**
 * SQL: `user`, who may see the message `entry`, may also see its text: the text is that of its newest edit, so that edit decides. An edit
 * whose row is missing hides the text. Everything that gives out a text, or tells of its words, asks this.
 */
export function isTextShown(user: string, entry: string): string {
  return `(${entry}.edited_seq IS NULL OR EXISTS (
    SELECT 1 FROM entry edit WHERE edit.conversation = ${entry}.conversation AND edit.seq = ${entry}.edited_seq
      AND ${isReached(user, "edit")}))`;
}

/**
 * SQL: `user` may see `reaction`, a row of a message that lies in `stay`, a row of their spans. Before the end of that stay it came within it;
 * after it, its entry says whether it came within another one.
 */
export function isReactionShown(user: string, reaction: string, stay: string): string {
  return `${isUnblocked(user, `${reaction}.user`, `${reaction}.position`)}
    AND (${reaction}.position <= ${stay}.last_position OR EXISTS (
      SELECT 1 FROM entry reacting WHERE reacting.position = ${reaction}.position AND ${isInStay(user, "reacting")}))`;
}
