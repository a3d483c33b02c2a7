import { ChatError } from "../../../core/chat_error.ts";
import { pause } from "../../../core/pause.ts";
import type { Queries } from "../connection/connection.ts";

/** How long a process that does not renew its row counts as living, in milliseconds, by the clock of the database. */
export const nodeLastsMs = 10_000;
/** Longer than from one renewal to the next, in milliseconds. */
const longestRenewalMs = 3_000;
/** How long a row stays after its last renewal, in milliseconds. */
const nodeKeptMs = 86_400_000;

/** A process that uses the database as a node. */
export interface NodeIdentity {
  /** The name of the node, which no other living process may have. */
  readonly node: string;
  /** Identifies the process: a UUID. */
  readonly token: string;
  /** The token of a process of the same node that is certainly dead. */
  readonly deadToken?: string;
  /** The version of the program. */
  readonly version: string;
  /** The name of its host; "" if unknown. */
  readonly host: string;
  /** The key to which operators encrypt calls to this process; none unless given. */
  readonly publicKey?: Uint8Array;
}

/** A node as `chatd node list` shows it. */
export interface ListedNode {
  readonly name: string;
  /** "gone" did not renew its row, and did not stop in order. */
  readonly state: "serving" | "standby" | "gone";
  readonly version: string;
  readonly host: string;
  /** When the process began. */
  readonly since: Date;
  /** Time since the last renewal of its row, in milliseconds. */
  readonly silentMs: number;
}

/** The row of this process, which tells others of it. */
export class NodeRow {
  readonly #identity: NodeIdentity;

  constructor(identity: NodeIdentity) {
    this.#identity = identity;
  }

  /**
   * Writes the row, or renews it. If another process has the name, waits to see whether it lives.
   * @throws {ChatError} `already_exists` if it does; `busy` if it may be dead, until its row has run out
   */
  async renew(queries: Queries, { signal }: { signal: AbortSignal }): Promise<void> {
    if (await this.#write(queries)) return;
    const rival = await this.#findRival(queries);
    await pause(longestRenewalMs, signal);
    if (await this.#write(queries)) return;
    const { node } = this.#identity;
    const lives = (await this.#findRival(queries))?.seen !== rival?.seen;
    if (!lives) throw new ChatError("busy", `Another process was the node "${node}" until just now.`);
    throw new ChatError(
      "already_exists",
      `Another process${rival?.host ? ` on ${rival.host}` : ""} is the node "${node}": ` +
        "give each its own name with --node NAME.",
    );
  }

  /** Removes the row, when the process ends in order. */
  async remove(queries: Queries): Promise<void> {
    const { node, token } = this.#identity;
    await queries.query("DELETE FROM node WHERE name = $1 AND token = $2", [node, token]);
  }

  /** @returns false if the row belongs to another process */
  async #write(queries: Queries): Promise<boolean> {
    const { node, token, deadToken, version, host, publicKey } = this.#identity;
    const written = await queries.query(
      `INSERT INTO node AS n (name, token, version, host, public_key) VALUES ($1, $2, $4, $5, $7)
       ON CONFLICT (name) DO UPDATE SET token = $2, version = $4, host = $5, public_key = $7, seen = clock_timestamp(),
         since = CASE WHEN n.token = $2 THEN n.since ELSE clock_timestamp() END
       WHERE n.token IN ($2, $3) OR n.seen < clock_timestamp() - $6 * interval '1 millisecond'
       RETURNING 1`,
      [node, token, deadToken ?? null, version, host, nodeLastsMs, publicKey ?? null],
    );
    return written.length > 0;
  }

  async #findRival(queries: Queries): Promise<{ host: string; seen: string } | undefined> {
    const sql = "SELECT host, seen::text FROM node WHERE name = $1";
    return (await queries.query<{ host: string; seen: string }>(sql, [this.#identity.node]))[0];
  }
}

/** Removes the rows of nodes that were not seen for a day. */
export async function removeOldNodes(queries: Queries): Promise<void> {
  await queries.query("DELETE FROM node WHERE seen < clock_timestamp() - $1 * interval '1 millisecond'", [nodeKeptMs]);
}

/** Returns all nodes, the serving one first. */
export async function listNodes(queries: Queries): Promise<ListedNode[]> {
  return await queries.query<ListedNode>(
    `SELECT * FROM (
       SELECT n.name, n.version, n.host, n.since,
         (extract(epoch FROM clock_timestamp() - n.seen) * 1000)::float8 AS "silentMs",
         CASE WHEN n.seen < clock_timestamp() - $1 * interval '1 millisecond' THEN 'gone'
           WHEN l.token = n.token AND l.until > clock_timestamp() THEN 'serving' ELSE 'standby' END AS state
       FROM node n, lease l) listed
     ORDER BY state <> 'serving', state = 'gone', name`,
    [nodeLastsMs],
  );
}
