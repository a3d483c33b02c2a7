// @ts-types="@types/pg"
import type pg from "pg";
import { ChatError } from "../../../core/chat_error.ts";
import { type ConnectionOptions, connectToHost, endClient } from "./connection.ts";
import type { DatabaseAccess } from "./database_address.ts";
import { connectError } from "./postgres_error.ts";

/** A host of a database as it was found. */
export interface ProbedHost {
  readonly host: string;
  readonly port: number;
  readonly state: "primary" | "standby" | "unusable";
  /** Why a node cannot serve from it; undefined for a primary. */
  readonly obstacle?: ChatError;
  /** Identifies the running server of a primary, which several addresses may lead to. */
  readonly server?: string;
}

/** Connects to all hosts at the same time, and tells which of them a node can serve from. */
export async function probeHosts(
  access: DatabaseAccess,
  patience: Pick<ConnectionOptions, "connectTimeoutMs" | "answerTimeoutMs">,
): Promise<ProbedHost[]> {
  const { address } = access;
  return await Promise.all(address.hosts.map(async (host): Promise<ProbedHost> => {
    const alone = { ...address, hosts: [host] };
    try {
      const options = { name: "check", host, ...patience };
      const { client, isStandby } = await connectToHost({ ...access, address: alone }, options);
      const server = isStandby ? undefined : await identify(client);
      await endClient(client);
      if (!isStandby) return { ...host, state: "primary", server };
      return { ...host, state: "standby", obstacle: connectError(alone, "standby") };
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      return { ...host, state: "unusable", obstacle: error };
    }
  }));
}

/** Returns the time when a server was started, in microseconds; undefined from one that only resembles PostgreSQL. */
async function identify(client: pg.Client): Promise<string | undefined> {
  try {
    const { rows: [{ started }] } = await client.query(
      "SELECT extract(epoch FROM pg_postmaster_start_time())::text AS started",
    );
    return started;
  } catch {
    return undefined;
  }
}
