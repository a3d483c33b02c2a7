import { ChatError } from "../core/chat_error.ts";
import { refuseInvalid } from "../host/certificates/certificate.ts";
import { requireDataFolder } from "../host/permissions.ts";
import { refuseDatabaseFolder, requireWritable } from "../store/data_folder.ts";
import { findDataPlace } from "./data_place.ts";
import { readAccess } from "./database/database_access.ts";
import { nodeName } from "./database/node_name.ts";
import { lastTimeSeen } from "./last_time_seen.ts";
import { refuseOpenMetrics } from "./metrics_network.ts";
import { formatRegistration } from "./registration_policy.ts";
import type { ServerOptions } from "./server_options.ts";
import type { TransportServer } from "./transport_server.ts";

/**
 * Validates a server's files, secrets and data folder, and prints the result. Starts and changes nothing, and can run
 * beside the server.
 * @returns whether the configuration is valid
 */
export async function checkConfiguration(
  options: ServerOptions,
  servers: readonly TransportServer[],
): Promise<boolean> {
  const problems = await findProblems(options, servers);
  for (const problem of problems) console.error(`chatd: ${problem}`);
  if (problems.length > 0) return false;
  console.log("The configuration is valid. With it,");
  for (const server of servers) console.log(server.greeting(server.port)[0]);
  const place = options.database === undefined ? options.dataDir : (await findDataPlace(options)).shown();
  console.log(`data in ${place}, ${formatRegistration(servers)}`);
  return true;
}

/** Returns the problems, as messages for people, that would prevent a server with these options from starting. */
export async function findProblems(
  options: ServerOptions,
  servers: readonly TransportServer[],
): Promise<readonly string[]> {
  const problems: string[] = [];
  const lastSeen = () => lastTimeSeen(options.dataDir);
  const checks: (() => unknown)[] = [
    ...servers.map((server) => async () => refuseInvalid((await server.prepare()).certificates, { lastSeen })),
    () => refuseOpenMetrics(options, servers),
    () => checkDataFolder(options),
    () => checkDatabaseFiles(options),
  ];
  for (const check of checks) {
    try {
      await check();
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      problems.push(...error.message.split("\n"));
    }
  }
  return problems;
}

/** Reads the files, without a connection to the database, which "chatd database check" examines. */
async function checkDatabaseFiles({ database }: ServerOptions): Promise<void> {
  if (database === undefined) return;
  await readAccess(database);
  nodeName(database);
}

async function checkDataFolder({ dataDir: folder, database }: ServerOptions): Promise<void> {
  requireDataFolder(folder);
  if (database === undefined) refuseDatabaseFolder(folder);
  try {
    const { isDirectory } = await Deno.stat(folder);
    if (!isDirectory) throw new ChatError("invalid_argument", `The data folder "${folder}" is a file.`);
    requireWritable(folder);
  } catch (error) {
    // The server creates the folder when it starts.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
