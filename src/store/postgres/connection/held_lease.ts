import { ChatError } from "../../../core/chat_error.ts";
import { Connection } from "./connection.ts";
import type { DatabaseAccess } from "./database_address.ts";
import type { NodeRow } from "../nodes/node_row.ts";
import { leaseMs, releaseLease, renewLease } from "./lease.ts";
import { lostError } from "./postgres_error.ts";

/** The longest that a renewal may take, in milliseconds. */
const answerMs = 3_000;
const retryMs = 250;

export interface HeldLeaseOptions {
  /** With one host: the primary that gave the lease. */
  readonly access: DatabaseAccess;
  readonly generation: number;
  /** The time at which the lease was asked for, by `performance.now()`. */
  readonly since: number;
  /** Owned by the lease. */
  readonly connection: Connection;
  /** The row of this process, renewed with the lease; none for a command. */
  readonly row?: NodeRow;
  readonly timing?: Partial<LeaseTiming>;
}

/** All in milliseconds. */
export interface LeaseTiming {
  /** From one renewal to the next. */
  readonly renewMs: number;
  /** How long the lease lasts without a renewal. */
  readonly lastsMs: number;
}

const standardTiming: LeaseTiming = { renewMs: 2_000, lastsMs: leaseMs };

/** Tells users of a database whether their node still has the lease. */
export interface LeaseWatch {
  /** Settles when the lease is lost, or was not renewed in time. */
  readonly lost: Promise<ChatError>;
  /**
   * Resolves when this node is certain to hold the lease: at once if it was renewed lately, by the node's own monotonic
   * clock, and otherwise when the database has confirmed it.
   * @throws {ChatError} `unavailable` if another node has it
   */
  confirm(): Promise<void> | void;
}

/** The lease of a node, for monitoring. */
export interface LeaseState {
  /** Counts up with each process that took the lease. */
  readonly generation: number;
  /** Time since the last renewal, in milliseconds. */
  readonly ageMs: number;
}

/** The lease of a serving node, renewed on a connection of its own until it is released or lost. */
export class HeldLease implements LeaseWatch, LeaseState {
  readonly access: DatabaseAccess;
  readonly generation: number;
  readonly lost: Promise<ChatError>;
  readonly #lose: (error: ChatError) => void;
  readonly #timing: LeaseTiming;
  readonly #row: NodeRow | undefined;
  readonly #released = new AbortController();
  #connection: Connection | undefined;
  /** By `performance.now()`, when the last successful renewal was sent. */
  #renewedAt: number;
  /** The same, by the wall clock: the monotonic one may stand still while a machine is suspended. */
  #renewedAtDate = Date.now();
  /** The renewal in progress. */
  #renewal: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ access, generation, since, connection, row, timing }: HeldLeaseOptions) {
    this.access = access;
    this.generation = generation;
    this.#connection = connection;
    this.#renewedAt = since;
    this.#row = row;
    this.#timing = { ...standardTiming, ...timing };
    const { promise, resolve } = Promise.withResolvers<ChatError>();
    this.lost = promise;
    this.#lose = resolve;
    this.#schedule(this.#timing.renewMs);
  }

  get ageMs(): number {
    return performance.now() - this.#renewedAt;
  }

  confirm(): Promise<void> | void {
    if (this.#mayHaveRunOut()) return this.#confirmAnew();
  }

  /** Gives the lease back for another node, if the database answers. Idempotent. */
  async release(): Promise<void> {
    if (this.#released.signal.aborted) return;
    this.#released.abort();
    clearTimeout(this.#timer);
    await this.#renewal?.catch(() => {});
    const connection = this.#connection;
    if (connection === undefined) return;
    await releaseLease(connection, this.generation).catch(() => {});
    await this.#row?.remove(connection).catch(() => {});
    await connection.close();
  }

  #mayHaveRunOut(): boolean {
    return Math.max(this.ageMs, Date.now() - this.#renewedAtDate) >= this.#timing.lastsMs;
  }

  /** The answer to a renewal in progress may have waited in a frozen process, and be of no use by now. */
  async #confirmAnew(): Promise<void> {
    do await this.#renew(); while (this.#mayHaveRunOut());
  }

  #schedule(ms: number): void {
    if (this.#released.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#keep(), ms);
  }

  /** Renews the lease, again and again; declares it lost when that fails for as long as it lasts. */
  async #keep(): Promise<void> {
    const { lastsMs, renewMs } = this.#timing;
    let late: ReturnType<typeof setTimeout> | undefined;
    try {
      const tooLate = new Promise<never>((_resolve, reject) => {
        late = setTimeout(() => reject(notRenewed()), Math.max(0, lastsMs - this.ageMs));
      });
      await Promise.race([this.#renew(), tooLate]);
      this.#schedule(renewMs);
    } catch (error) {
      if (this.ageMs >= lastsMs || error instanceof LeaseTaken) this.#lose(asUnavailable(error));
      else this.#schedule(retryMs);
    } finally {
      clearTimeout(late);
    }
  }

  #renew(): Promise<void> {
    return this.#renewal ??= this.#renewOnce().finally(() => this.#renewal = undefined);
  }

  async #renewOnce(): Promise<void> {
    const [since, sinceDate] = [performance.now(), Date.now()];
    const connection = this.#connection ??= await openLeaseConnection(this.access);
    if (this.#released.signal.aborted) return;
    let renewed: boolean;
    try {
      renewed = await renewLease(connection, this.generation, this.#timing.lastsMs);
    } catch (error) {
      this.#connection = undefined;
      await connection.close();
      throw error;
    }
    if (!renewed) {
      const taken = new LeaseTaken();
      this.#lose(taken);
      throw taken;
    }
    this.#renewedAt = since;
    this.#renewedAtDate = sinceDate;
    // The lease matters more than the row.
    void this.#row?.renew(connection, this.#released).catch(() => {});
  }
}

/** Opens the connection on which a node takes and renews its lease. @throws {ChatError} as `connectError` says */
export function openLeaseConnection(access: DatabaseAccess): Promise<Connection> {
  return Connection.open(access, { name: "lease", statementTimeoutMs: answerMs });
}

class LeaseTaken extends ChatError {
  constructor() {
    super("unavailable", "Another server has taken over: connect again.", { retryAfterMs: 1_000 });
  }
}

function asUnavailable(error: unknown): ChatError {
  return error instanceof ChatError && error.code === "unavailable" ? error : lostError(error);
}

function notRenewed(): ChatError {
  return lostError(new Error("the lease was not renewed in time"));
}
