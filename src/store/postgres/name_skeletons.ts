import { nameSkeleton } from "../../core/accounts/name_skeleton.ts";
import type { Queries } from "./connection/connection.ts";
import { lockKey } from "./schema/fence.ts";

/** Waits until no other transaction adds or changes names of users, until the end of this one. */
export async function lockNames(queries: Queries): Promise<void> {
  await queries.query(`SELECT pg_advisory_xact_lock(${lockKey("names")})`);
}

/**
 * Replaces the display name of a user; "" removes it. The transaction holds {@link lockNames}.
 * @returns false without a change when another user has a name like it
 */
export async function claimDisplayName(
  queries: Queries,
  user: number,
  { displayName, allowSimilar }: { displayName: string; allowSimilar: boolean },
): Promise<boolean> {
  const skeleton = nameSkeleton(displayName);
  const [{ isTaken, isOwn }] = await queries.query<{ isTaken: boolean; isOwn: boolean }>(
    `SELECT EXISTS (SELECT FROM name_skeleton n WHERE n.skeleton = $1 AND n."user" <> $2) AS "isTaken",
       (SELECT n.skeleton FROM name_skeleton n WHERE n."user" = $2 AND n.display = 0) = $1 AS "isOwn"`,
    [skeleton, user],
  );
  if (displayName !== "" && isTaken && !allowSimilar) return false;
  await queries.query('DELETE FROM name_skeleton WHERE "user" = $1 AND display = 1', [user]);
  // The user's own name has the skeleton already.
  if (displayName === "" || isOwn) return true;
  await queries.query('INSERT INTO name_skeleton ("user", display, skeleton, shared) VALUES ($1, 1, $2, $3)', [
    user,
    skeleton,
    Number(isTaken),
  ]);
  return true;
}
