import { ChatError } from "../../../core/chat_error.ts";
import type { Connection } from "./connection.ts";
import type { DatabaseAccess } from "./database_address.ts";
import { HeldLease, type LeaseTiming, openLeaseConnection } from "./held_lease.ts";
import { commandHolder, findLeaseHolder, type LeaseClaim, leaseMs, takeLease } from "./lease.ts";
import { type NodeRow, removeOldNodes } from "../nodes/node_row.ts";
import { type StandbyOptions, standByUntil } from "./standby.ts";

export interface WaitForLeaseOptions extends Omit<LeaseClaim, "lastsMs">, StandbyOptions {
  /** Runs before the first attempt, again until it succeeds; its errors are treated like those of an attempt. */
  prepare?(): Promise<void>;
  /** The row of this process, renewed with each attempt and with the lease; none for a command. */
  readonly row?: NodeRow;
  readonly timing?: Partial<LeaseTiming>;
}

/**
 * Takes the lease as soon as no node holds it. A database that cannot be reached meanwhile is waited for, too.
 * @returns undefined if the signal ended the wait
 * @throws {ChatError} as `standByUntil` says
 */
export async function waitForLease(
  access: DatabaseAccess,
  options: WaitForLeaseOptions,
): Promise<HeldLease | undefined> {
  const attempts = new LeaseAttempts(access, options);
  let isPrepared = false;
  const take = async () => {
    if (!isPrepared) await options.prepare?.();
    isPrepared = true;
    const taken = await attempts.take();
    if (taken === commandHolder) throw new ChatError("busy", "A command of an operator uses the database now.");
    return taken;
  };
  try {
    return await standByUntil(take, options);
  } finally {
    await attempts.end();
  }
}

/** Attempts on one connection, which is replaced when it fails. */
class LeaseAttempts {
  readonly #access: DatabaseAccess;
  readonly #options: WaitForLeaseOptions;
  #opened: { connection: Connection; access: DatabaseAccess } | undefined;

  constructor(access: DatabaseAccess, options: WaitForLeaseOptions) {
    this.#access = access;
    this.#options = options;
  }

  /** Returns the lease, or the name of the node that holds it. @throws {ChatError} */
  async take(): Promise<HeldLease | string> {
    const { node, token, deadToken, row, signal, timing } = this.#options;
    this.#opened ??= await openPinned(this.#access);
    const { connection, access } = this.#opened;
    try {
      await row?.renew(connection, { signal });
      const since = performance.now();
      const lastsMs = timing?.lastsMs ?? leaseMs;
      const generation = await takeLease(connection, { node, token, deadToken, lastsMs });
      if (generation === undefined) return (await findLeaseHolder(connection)).node;
      if (row !== undefined) await removeOldNodes(connection);
      this.#opened = undefined;
      return new HeldLease({ access, generation, since, connection, row, timing });
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  /** Removes the row of a process that took no lease. */
  async end(): Promise<void> {
    if (this.#opened !== undefined) await this.#options.row?.remove(this.#opened.connection).catch(() => {});
    await this.#close();
  }

  async #close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.connection.close();
  }
}

/** Connects to the primary, and returns access to it alone. */
async function openPinned(access: DatabaseAccess): Promise<{ connection: Connection; access: DatabaseAccess }> {
  const connection = await openLeaseConnection(access);
  return { connection, access: { ...access, address: { ...access.address, hosts: [connection.host] } } };
}
