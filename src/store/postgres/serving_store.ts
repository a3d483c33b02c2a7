import { ChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import { Connection } from "./connection/connection.ts";
import { type DatabaseAccess, showDatabase } from "./connection/database_address.ts";
import { checkEngine } from "./connection/engine_check.ts";
import type { HeldLease, LeaseState } from "./connection/held_lease.ts";
import { findLeaseHolder } from "./connection/lease.ts";
import type { StandbyOptions } from "./connection/standby.ts";
import { waitForLease } from "./connection/wait_for_lease.ts";
import { LeaseFile } from "./lease_file.ts";
import { openPostgresStore, type PostgresStore } from "./open_postgres_store.ts";
import { type NodeIdentity, NodeRow } from "./nodes/node_row.ts";
import { requireVersion } from "./schema/schema_version.ts";

/** How long a command waits for the lease of a node that starts or stops, in milliseconds. */
const patienceMs = 5_000;
/** Not a name that a node can have. */
const commandName = "an operator's command";

export interface ServingStoreOptions extends StandbyOptions, Pick<NodeIdentity, "node" | "version" | "host"> {
  /** The data folder, locked by this process. */
  readonly folder: string;
  /** Whether to wait for a database that cannot be reached, since a previous process has served from it. */
  readonly again: boolean;
}

/** The store of a node that serves, with the lease that it holds. */
export interface ServingStore extends PostgresStore {
  readonly lease: LeaseState;
}

/**
 * Opens the store of a node that serves: checks the database, and waits until no other node serves.
 * @returns undefined if the signal ended the wait
 * @throws {ChatError} if the database cannot be used
 */
export async function openServingStore(
  access: DatabaseAccess,
  { node, version, host, folder, again, ...standby }: ServingStoreOptions,
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
  const row = new NodeRow({ node, token, deadToken, version, host });
  const prepare = again ? check : undefined;
  const lease = await waitForLease(access, { ...standby, node, token, deadToken, row, prepare });
  return lease && await openWithLease(lease, log);
}

/**
 * Opens the store for a command of an operator, which holds the lease meanwhile.
 * @throws {ChatError} `busy` if a node serves; if the database cannot be used
 */
export async function openStoreForCommand(access: DatabaseAccess, { log }: { log: Log }): Promise<PostgresStore> {
  await checkEngine(access);
  await checkVersion(access);
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), patienceMs);
  try {
    const { signal } = patience;
    const lease = await waitForLease(access, { node: commandName, token: crypto.randomUUID(), log, signal });
    if (lease !== undefined) return await openWithLease(lease, log);
  } finally {
    clearTimeout(timer);
  }
  await using connection = await Connection.open(access, { name: "check" });
  const { node } = await findLeaseHolder(connection);
  if (node === commandName) {
    const where = showDatabase(access.address);
    throw new ChatError("busy", `Another command of an operator uses the database ${where}: try again in a moment.`);
  }
  throw new ChatError(
    "busy",
    `The node "${node}" serves from the database ${showDatabase(access.address)}: run this command on its machine, ` +
      "with its data folder (--data).",
  );
}

async function checkVersion(access: DatabaseAccess): Promise<void> {
  await using connection = await Connection.open(access, { name: "check" });
  await requireVersion(connection, access.address);
}

/** Opens the store under a lease, which is given back when the store is closed. */
async function openWithLease(lease: HeldLease, log: Log): Promise<ServingStore> {
  try {
    const { access, generation } = lease;
    // A migration may have run during the wait.
    await checkVersion(access);
    const store = await openPostgresStore({ access, generation, lease, log });
    const close = async () => {
      await store.close();
      await lease.release();
    };
    return { ...store, lease, close };
  } catch (error) {
    await lease.release();
    throw error;
  }
}
