import type { Log } from "../../core/log.ts";
import { Connection } from "./connection/connection.ts";
import type { DatabaseAccess } from "./connection/database_address.ts";
import { checkEngine } from "./connection/engine_check.ts";
import type { HeldLease, LeaseState } from "./connection/held_lease.ts";
import type { StandbyOptions } from "./connection/standby.ts";
import { commandHolder } from "./connection/lease.ts";
import { waitForLease } from "./connection/wait_for_lease.ts";
import { LeaseFile } from "./lease_file.ts";
import { openPostgresStore, type PostgresStore } from "./open_postgres_store.ts";
import { type NodeIdentity, NodeRow } from "./nodes/node_row.ts";
import { Notices } from "./nodes/notices.ts";
import { requestChannel, RequestQueue } from "./nodes/request_queue.ts";
import { requireVersion } from "./schema/schema_version.ts";

export interface ServingStoreOptions
  extends StandbyOptions, Pick<NodeIdentity, "node" | "version" | "host" | "publicKey"> {
  /** The data folder, locked by this process. */
  readonly folder: string;
  /** Whether to wait for a database that cannot be reached, since a previous process has served from it. */
  readonly again: boolean;
}

/** The store of a node that serves, with the lease that it holds. */
export interface ServingStore extends PostgresStore {
  readonly lease: LeaseState;
  readonly requests: RequestQueue;
  /** Calls back when a request may have been added, until it is disposed. */
  onRequest(callback: () => void): AsyncDisposable;
}

/**
 * Opens the store of a node that serves: checks the database, and waits until no other node serves.
 * @returns undefined if the signal ended the wait
 * @throws {ChatError} if the database cannot be used
 */
export async function openServingStore(
  access: DatabaseAccess,
  { node, version, host, publicKey, folder, again, ...standby }: ServingStoreOptions,
): Promise<ServingStore | undefined> {
  const { log } = standby;
  const check = async () => {
    const warnings = await checkEngine(access);
    await checkVersion(access);
    for (const { problem, advice } of warnings) log.warn(problem, { advice });
  };
  if (!again) await check();
  const file = new LeaseFile(folder);
  const token = crypto.randomUUID();
  const deadToken = file.read();
  file.write(token);
  const row = new NodeRow({ node, token, deadToken, version, host, publicKey });
  const prepare = again ? check : undefined;
  const lease = await waitForLease(access, { ...standby, node, token, deadToken, row, prepare });
  if (lease === undefined) return undefined;
  const store = await openWithLease(lease, log);
  const requests = new RequestQueue(store.database, token);
  const onRequest = (callback: () => void) => {
    const onNotice = (payload: string) => requests.isMine(payload) && callback();
    return new Notices(lease.access, { channel: requestChannel, generation: lease.generation, onNotice });
  };
  return { ...store, lease, requests, onRequest };
}

/**
 * Opens the store for a command of an operator, which holds the lease meanwhile.
 * @returns undefined while a node or another command holds the lease
 * @throws {ChatError} if the database cannot be used
 */
export async function openStoreForCommand(
  access: DatabaseAccess,
  { log }: { log: Log },
): Promise<PostgresStore | undefined> {
  await checkEngine(access);
  await checkVersion(access);
  const claim = { node: commandHolder, token: crypto.randomUUID() };
  // One attempt.
  const lease = await waitForLease(access, { ...claim, log, signal: AbortSignal.abort() });
  return lease && await openWithLease(lease, log);
}

async function checkVersion(access: DatabaseAccess): Promise<void> {
  await using connection = await Connection.open(access, { name: "check" });
  await requireVersion(connection, access.address);
}

/** Opens the store under a lease, which is given back when the store is closed. */
async function openWithLease(lease: HeldLease, log: Log): Promise<PostgresStore> {
  try {
    const { access, generation } = lease;
    // A migration may have run during the wait.
    await checkVersion(access);
    const store = await openPostgresStore({ access, generation, lease, log });
    const close = async () => {
      await store.close();
      await lease.release();
    };
    return { ...store, close };
  } catch (error) {
    await lease.release();
    throw error;
  }
}
