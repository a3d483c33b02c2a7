import { resolve } from "node:path";
import type { Chat } from "../core/chat.ts";
import { ChatError } from "../core/chat_error.ts";
import { pause } from "../core/pause.ts";
import { mayLoadProgram, programPaths } from "../host/background_worker.ts";
import { refuseInvalid } from "../host/certificates/certificate.ts";
import { CertificateRenewal } from "../host/certificates/certificate_renewal.ts";
import { CertificateWatch } from "../host/certificates/certificate_watch.ts";
import { freeBytes } from "../host/free_bytes.ts";
import { formatHostPort } from "../host/host_port.ts";
import { LogOutput } from "../host/logging/log_output.ts";
import { collectorVariables, openServerLog, type ServerLog } from "../host/logging/server_log.ts";
import type { MetricsEndpoint } from "../host/metrics/metrics_endpoint.ts";
import { controlSocketPath } from "../host/socket_path.ts";
import {
  mayStartItself,
  serverV8Flags,
  servingCommand,
  type ServingNeeds,
} from "../host/supervisor/serving_command.ts";
import { StartFiles } from "../host/supervisor/start_files.ts";
import { supervise } from "../host/supervisor/supervisor.ts";
import { type Listening, SupervisorLink } from "../host/supervisor/supervisor_link.ts";
import { UncaughtErrors } from "../host/supervisor/uncaught_errors.ts";
import type { LeaseState } from "../store/postgres/connection/held_lease.ts";
import type { StandbyOptions, StandbyReason } from "../store/postgres/connection/standby.ts";
import { writerJob } from "../store/sqlite/writer/writer_memory.ts";
import { checkConfiguration, findProblems } from "./check_configuration.ts";
import { lastTimeSeen } from "./last_time_seen.ts";
import { refuseOpenMetrics } from "./metrics_network.ts";
import { type DataPlace, findDataPlace } from "./data_place.ts";
import { databaseNeeds, databaseVariables } from "./database/database_needs.ts";
import { openDatabaseChat } from "./database/open_database_chat.ts";
import { type CoreOptions, type OpenChat, openChat } from "./open_chat.ts";
import { formatRegistration } from "./registration_policy.ts";
import { serveAlone } from "./serve_alone.ts";
import type { ServerOptions } from "./server_options.ts";
import { describeStandby, StandbyDoors } from "./standby_doors.ts";
import type { Orders, RunningTransport, TransportServers } from "./transport_server.ts";

/** How long transports may take to stop accepting requests, in milliseconds, before sessions are ended. */
const stopDeadlineMs = 1_000;

/**
 * The end of a server: stopped, not started because `--check-config` found problems, or the exit of its serving
 * process.
 */
export type ServerEnd = "stopped" | "misconfigured" | { readonly exitCode: number };

/**
 * Serves one chat over all `servers` until a signal arrives, in a supervised process or, if the options say so, in this
 * one.
 * @throws {ChatError} if it cannot start or continue
 */
export async function runServer(options: ServerOptions, servers: TransportServers): Promise<ServerEnd> {
  if (options.checkConfig) return await checkConfiguration(options, servers) ? "stopped" : "misconfigured";
  const log = openServerLog({ level: options.logLevel, format: options.logFormat });
  try {
    return await superviseOrServe(options, servers, log);
  } finally {
    await log.flush();
  }
}

async function superviseOrServe(options: ServerOptions, servers: TransportServers, log: ServerLog): Promise<ServerEnd> {
  const [{ port }] = servers;
  if (options.supervised) {
    using link = new SupervisorLink();
    const onListening = (listening: Listening) => link.listening(listening);
    const { stop, renewals } = link;
    await serve(options, servers, { ...await link.listen(), log, stop, renewals, onListening });
    return "stopped";
  }
  const place = await findDataPlace(options);
  const onListening = (listening: Listening) => greet(servers, { place, listening });
  if (options.supervise) {
    if (mayStartItself()) {
      const needs = servingNeeds(options, servers);
      const command = servingCommand(argumentsWith("--supervised"), needs);
      const check = servingCommand(argumentsWith("--check-config"), needs);
      const { configFile } = options;
      const files = [...configFile === undefined ? [] : [configFile], ...startFilesOf(servers)];
      return {
        exitCode: await supervise({ command, check, port, log, onListening, startFiles: new StartFiles(files) }),
      };
    }
    log.warn("serving without a supervisor: Deno does not allow chatd to start itself", {
      add: `--allow-run=${Deno.execPath()}`,
    });
  }
  await serveAlone({
    port,
    log,
    onListening,
    // This process keeps its options, so changes of the configuration file do not matter.
    startFiles: new StartFiles(startFilesOf(servers)),
    check: () => findProblems(options, servers),
    serve: (orders) => serve(options, servers, orders),
  });
  return "stopped";
}

function startFilesOf(servers: TransportServers): string[] {
  return servers.flatMap(({ startFiles }) => startFiles);
}

/** Returns the command line of this process with another option, for a child process. */
function argumentsWith(option: string): string[] {
  const [command, ...rest] = Deno.args;
  return [command, option, ...rest];
}

function servingNeeds(
  { dataDir, configFile, metricsListen, database }: ServerOptions,
  servers: TransportServers,
): ServingNeeds {
  const needs = [...servers.map(({ needs }) => needs), ...database === undefined ? [] : [databaseNeeds(database)]];
  const config = configFile === undefined ? [] : [configFile];
  return {
    read: [dataDir, ...programPaths(), ...config, ...needs.flatMap(({ read }) => read)],
    write: [dataDir],
    net: [
      ...metricsListen === undefined ? [] : [formatHostPort(metricsListen)],
      ...needs.flatMap(({ net }) => net),
      `unix:${resolve(controlSocketPath(dataDir))}`,
    ],
    env: ["CHATD_*", "BUF_*", ...collectorVariables, ...database === undefined ? [] : databaseVariables],
    // For the metric of free disk space, and the name of the node.
    sys: ["statfs", ...database === undefined ? [] : ["hostname"]],
    v8Flags: serverV8Flags,
  };
}

async function serve(options: ServerOptions, servers: TransportServers, orders: Orders): Promise<void> {
  try {
    await serveUntilStopped(options, servers, orders);
  } catch (error) {
    throw orders.again ? asTemporary(error) : error;
  }
}

/** Makes an error in files that worked before temporary: they may be partially written now, and be repaired soon. */
function asTemporary(error: unknown): unknown {
  if (!(error instanceof ChatError && (error.code === "invalid_argument" || error.code === "unsupported_version"))) {
    return error;
  }
  return new ChatError("unavailable", error.message, { cause: error });
}

async function serveUntilStopped(options: ServerOptions, servers: TransportServers, orders: Orders): Promise<void> {
  const { log, again, stop, renewals, onListening } = orders;
  using _uncaught = new UncaughtErrors({ log });
  const prepared = await Promise.all(servers.map((server) => server.prepare()));
  // A restarted server keeps serving with an expired certificate, which some clients may accept; the watch reports it.
  if (!again) {
    const certificates = prepared.flatMap(({ certificates }) => certificates);
    refuseInvalid(certificates, { lastSeen: () => lastTimeSeen(options.dataDir) });
  }
  refuseOpenMetrics(options, servers);
  await using opened = new AsyncDisposableStack();
  const endpoint = await openMetrics(options, { log, again });
  opened.defer(() => endpoint?.close());
  const watch = opened.use(new CertificateWatch({ transports: prepared, log }));
  const renewal = new CertificateRenewal({ transports: prepared, log, onRenewed: () => watch.check() });
  opened.use(renewals.take(() => void renewal.renew()));
  const doors = new StandbyDoors({
    transports: prepared,
    log,
    port: orders.port,
    onOpen: (port) => onListening({ port, isStandby: true }),
  });
  opened.use(doors);
  const core = { ...options, folder: options.dataDir, log, metrics: endpoint?.metrics };
  const onStandby = (reason: StandbyReason) => {
    endpoint?.standingBy(describeStandby(reason));
    doors.standBy(reason);
  };
  const open = await openStoredChat(core, { again, stop: Promise.race([stop, doors.failed]), onStandby });
  if (open === undefined) return log.info("stopping", { reason: await Promise.race([stop, doors.failed]) });
  const { chat, searchLag, fileBytes, close, failed, lease } = open;
  opened.defer(close);
  const running: RunningTransport[] = [];
  opened.defer(() => endTransports(running, chat));
  const { port, wereOpen } = await doors.close();
  // The node that served before may have died, too.
  const serving = { chat, log, port, again: again || wereOpen };
  for (const transport of prepared) running.push(await transport.start(serving));
  const free = () => freeBytes(options.dataDir);
  const droppedLines = () => log.dropped;
  const certificates = () => prepared.flatMap(({ certificates }) => certificates);
  endpoint?.serving({ transports: running, certificates, searchLag, fileBytes, freeBytes: free, droppedLines, lease });
  void running[0].ready.then(() => {
    if (wereOpen) log.info("serving: this node has taken over");
    else onListening({ port: running[0].port, isStandby: false });
  });
  const reason = await Promise.race([stop, failed, ...running.map(({ failed }) => failed)]);
  endpoint?.stopping();
  log.info("stopping", { reason });
}

/**
 * Opens the chat in its data folder, or in its database when no other node serves from it.
 * @returns the chat, with a promise that rejects when it cannot continue; undefined if it was to stop before
 */
async function openStoredChat(
  options: ServerOptions & CoreOptions & { folder: string },
  { again, stop, onStandby }: Pick<Orders, "again" | "stop"> & Pick<StandbyOptions, "onStandby">,
): Promise<OpenChat & { failed: Promise<never>; lease?: LeaseState } | undefined> {
  const { database, log } = options;
  if (database === undefined) {
    const writerEntry = mayLoadProgram(writerJob, { log }) ? Deno.mainModule : undefined;
    return { ...openChat({ ...options, writerEntry }), failed: new Promise(() => {}) };
  }
  const stopped = new AbortController();
  const end = () => stopped.abort();
  stop.then(end, end);
  const open = await openDatabaseChat({ ...options, database, again, onStandby, signal: stopped.signal });
  if (open === undefined) return undefined;
  const failed = open.lost.then((error) => Promise.reject(error));
  // It may settle while transports start.
  failed.catch(() => {});
  return { ...open, failed };
}

/** @returns undefined if metrics are not requested */
async function openMetrics(
  { metricsListen: listen }: ServerOptions,
  { log, again }: Pick<Orders, "log" | "again">,
): Promise<MetricsEndpoint | undefined> {
  if (listen === undefined) return undefined;
  const { MetricsEndpoint } = await import("../host/metrics/metrics_endpoint.ts");
  try {
    return await MetricsEndpoint.open({ listen, log });
  } catch (error) {
    // A restarted server must not fail because of its metrics.
    if (!again) throw error;
    log.error("serving again, but without metrics", { error });
    return undefined;
  }
}

/** Ends the sessions of all transports at the same time, within the same deadline. */
async function endTransports(running: readonly RunningTransport[], chat: Chat): Promise<void> {
  const stopped = new AbortController();
  // A broker that does not answer must not delay the sessions of other transports.
  const all = Promise.all(running.map((transport) => transport.stop())).finally(() => stopped.abort());
  await Promise.race([all, pause(stopDeadlineMs, stopped.signal)]);
  chat.endSessions();
  await Promise.all(running.map((transport) => transport.close()));
}

function greet(
  servers: TransportServers,
  { place, listening: { port, isStandby } }: { place: DataPlace; listening: Listening },
): void {
  const greetings = servers.map((server) => server.greeting(port));
  const where = greetings.map(([first]) => first);
  const next = isStandby
    ? ['another server with this database serves, and this one stands by: see "chatd node list"']
    : greetings.flatMap(([, ...rest]) => rest);
  const output = new LogOutput(Deno.stdout);
  for (const line of [...where, `data in ${place.shown()}, ${formatRegistration(servers)}`, ...next]) {
    output.write(line);
  }
}
