import { ChatError } from "../../core/chat_error.ts";
import { silentLog } from "../../core/log.ts";
import { pause } from "../../core/pause.ts";
import type { ControlRequest } from "../../host/control_socket.ts";
import type { DatabaseAccess } from "../../store/postgres/connection/database_address.ts";
import type { PostgresStore } from "../../store/postgres/open_postgres_store.ts";
import { isUnavailable, noAnswer, unpackReply } from "../operator_reply.ts";
import { type CallPatience, callServingNode } from "./call_serving_node.ts";

/** Less than the patience of callers at a control socket, and longer than a takeover. */
const standardPatienceMs = 25_000;
const retryMs = 250;

export interface CallDatabaseOptions {
  /** Runs the call on the store while no node serves; unless given, the call waits for a node. */
  run?(store: PostgresStore): Promise<unknown>;
  /** How long the call may wait for a node and its answer, in milliseconds; 25 000 unless given. */
  readonly patienceMs?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/**
 * Runs an operator's call on a database: at the node that serves from it, or by `run`, which holds the lease meanwhile.
 * @throws {ChatError} the error of the call; as `callServingNode` says; `busy` if another command keeps the lease
 */
export async function callDatabase(
  access: DatabaseAccess,
  request: ControlRequest,
  { run, patienceMs = standardPatienceMs, signal = new AbortController().signal }: CallDatabaseOptions,
): Promise<unknown> {
  const deadline = performance.now() + patienceMs;
  do {
    const done = await attempt(access, request, { run, deadline, signal });
    if (done !== undefined) return done.result;
  } while (await pause(retryMs, signal) && performance.now() < deadline);
  const { showDatabase } = await import("../../store/postgres/connection/database_address.ts");
  const where = showDatabase(access.address);
  if (run === undefined) {
    throw new ChatError("unavailable", `No node serves from the database ${where}: try again in a moment.`);
  }
  throw new ChatError("busy", `Another command of an operator uses the database ${where}: try again in a moment.`);
}

/** Returns undefined if the call was not run, because no node serves now and the lease is not free. */
async function attempt(
  access: DatabaseAccess,
  request: ControlRequest,
  { run, ...patience }: Pick<CallDatabaseOptions, "run"> & CallPatience,
): Promise<{ result: unknown } | undefined> {
  const reply = await callServingNode(access, request, patience);
  if (reply !== undefined) return { result: unpackReply(reply) };
  if (run === undefined) return undefined;
  const { openStoreForCommand } = await import("../../store/postgres/serving_store.ts");
  const store = await openStoreForCommand(access, { log: silentLog });
  if (store === undefined) return undefined;
  try {
    return { result: await run(store) };
  } catch (error) {
    // The database, or the lease, may have been lost in the middle of a change.
    throw isUnavailable(error) ? noAnswer(error) : error;
  } finally {
    await store.close();
  }
}
