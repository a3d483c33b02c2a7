import type { Queries } from "./connection.ts";

/** How long a lease lasts without a renewal, in milliseconds, by the clock of the database. */
export const leaseMs = 10_000;

/** Who holds the lease, or held it last. */
export interface LeaseHolder {
  /** The node's name; "" before the first one. */
  readonly node: string;
  readonly isHeld: boolean;
}

/**
 * Takes the lease if no node holds it.
 * @returns its generation; undefined while a node holds it
 */
export async function takeLease(queries: Queries, node: string, lastsMs = leaseMs): Promise<number | undefined> {
  const [{ generation }] = await queries.query<{ generation: number | null }>(
    "SELECT take_lease_1($1, $2 * interval '1 millisecond') AS generation",
    [node, lastsMs],
  );
  return generation ?? undefined;
}

/** @returns whether the lease of this generation was renewed; false if another node has it */
export async function renewLease(queries: Queries, generation: number, lastsMs = leaseMs): Promise<boolean> {
  const renewed = await queries.query(
    "UPDATE lease SET until = clock_timestamp() + $2 * interval '1 millisecond' WHERE generation = $1 RETURNING 1",
    [generation, lastsMs],
  );
  return renewed.length > 0;
}

/** Gives the lease back, so that another node need not wait. */
export async function releaseLease(queries: Queries, generation: number): Promise<void> {
  await queries.query("UPDATE lease SET until = '-infinity' WHERE generation = $1", [generation]);
}

export async function findLeaseHolder(queries: Queries): Promise<LeaseHolder> {
  const [holder] = await queries.query<LeaseHolder>('SELECT node, until > clock_timestamp() AS "isHeld" FROM lease');
  return holder;
}
