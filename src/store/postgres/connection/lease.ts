import type { Queries } from "./connection.ts";

/** How long a lease lasts without a renewal, in milliseconds, by the clock of the database. */
export const leaseMs = 10_000;

/** Holds the lease as a command of an operator. Not a name that a node can have. */
export const commandHolder = "an operator's command";

/** The node that holds the lease, or held it last. */
export interface LeaseHolder {
  /** The node's name; "" before the first one. */
  readonly node: string;
  readonly isHeld: boolean;
}

export interface LeaseClaim {
  /** The node's name. */
  readonly node: string;
  /** Identifies the process that takes the lease: a UUID. */
  readonly token: string;
  /**
   * The token of a process of the same node that is certainly dead. Its lease is taken at once, though it may not have
   * run out.
   */
  readonly deadToken?: string;
  /** In milliseconds; {@link leaseMs} unless given. */
  readonly lastsMs?: number;
}

/**
 * Takes the lease if no node holds it.
 * @returns its generation; undefined while a node holds it
 */
export async function takeLease(
  queries: Queries,
  { node, token, deadToken, lastsMs = leaseMs }: LeaseClaim,
): Promise<number | undefined> {
  const [{ generation }] = await queries.query<{ generation: number | null }>(
    "SELECT take_lease_1($1, $2, $3, $4 * interval '1 millisecond') AS generation",
    [node, token, deadToken ?? null, lastsMs],
  );
  return generation ?? undefined;
}

/** @returns whether the lease of this generation was renewed; false if another node has it */
export async function renewLease(queries: Queries, generation: number, lastsMs: number): Promise<boolean> {
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

/** Returns the node that holds the lease, or held it last. */
export async function findLeaseHolder(queries: Queries): Promise<LeaseHolder> {
  const [holder] = await queries.query<LeaseHolder>('SELECT node, until > clock_timestamp() AS "isHeld" FROM lease');
  return holder;
}
