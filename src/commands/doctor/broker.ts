import { type AuthorityEndpoint, startAuthorityEndpoint } from "../../amqp/broker/authority_endpoint.ts";
import { inspectorPassword, inspectorUser } from "../../amqp/broker/broker_authority.ts";
import { brokerPlugins } from "../../amqp/broker/broker_config.ts";
import { canPublish, countServers, inspectLocks, type Lock } from "../../amqp/broker/broker_inspection.ts";
import { BrokerManagement } from "../../amqp/broker/broker_management.ts";
import { type BrokerAddress, formatBroker } from "../../amqp/connection/broker_address.ts";
import { BrokerConnection } from "../../amqp/connection/broker_connection.ts";
import { startServer } from "../../amqp/connection/broker_errors.ts";
import { fileExchange, requestExchange } from "../../amqp/topology.ts";
import { brokerAuthSecret } from "../../app/broker/broker_auth_secret.ts";
import { brokerLogin, type BrokerLoginOptions } from "../../app/broker/broker_login.ts";
import { refuseOpenBroker } from "../../app/broker/broker_network.ts";
import { ChatError } from "../../core/chat_error.ts";
import { silentLog } from "../../core/log.ts";
import { inspectCertificate } from "../../host/certificates/certificate.ts";
import { readPem } from "../../host/certificates/pem_file.ts";
import { formatHostPort, type HostPort } from "../../host/host_port.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";
import { checkValidity } from "./server.ts";

/** Options for checking a broker as its server and as a client. */
export interface BrokerCheckOptions extends BrokerLoginOptions {
  readonly caFile?: string;
  /** The address of the authorization endpoint; doctor listens there itself if no server does. */
  readonly authListen: HostPort;
  readonly authSecretFile?: string;
  /** URL of the management plugin; port 15672 of the broker, or 15671 with TLS, unless given. */
  readonly management?: string;
  /** Allows secrets to leave loopback without TLS. */
  readonly insecure: boolean;
}

/** The oldest series that was tested, with 3.10.8. */
const oldest = [3, 10];
/** RabbitMQ 3.13 had its last free fixes in September 2024 (https://www.rabbitmq.com/release-information). */
const firstMaintained = 4;
/** Exchanges that logged-in clients write to. */
const clientExchanges: readonly string[] = [requestExchange, fileExchange];
/** The broker lists its plugins some seconds after it started. */
const pluginsDeadlineMs = 8_000;
const pluginsIntervalMs = 500;
const configHelp = 'configure it with "chatd broker-config", and restart it';

/** Checks a broker step by step. @throws {ChatError} if it cannot be reached, or refuses chatd's login */
export async function* examineBroker(options: BrokerCheckOptions): AsyncGenerator<Finding, void> {
  const { broker: { address }, caFile, dataDir, authSecretFile, insecure } = options;
  const url = options.management ?? standardManagement(address);
  refuseOpenBroker({ address, management: url, insecure });
  const login = await brokerLogin(options);
  const pem = caFile === undefined ? undefined : await readPem(caFile);
  if (pem !== undefined) yield checkValidity(inspectCertificate("broker_ca", caFile!, pem));
  const ca = pem && new TextDecoder().decode(pem);
  await using connection = await BrokerConnection.open({ broker: address, login, ca, name: "chatd doctor" });
  yield ok(`${formatBroker(address)} answers, and "${login.user}" can log in`);
  yield checkVersion(connection.product);
  await using management = new BrokerManagement({ url, login, ca, log: silentLog });
  yield* checkManagement(management, login.user);
  yield await checkServers(connection);

  const secret = brokerAuthSecret({ dataDir, secretFile: authSecretFile });
  const inspector = { user: inspectorUser, password: inspectorPassword(secret) };
  await using endpoint = await startEndpointIfFree(options.authListen, { secret, password: inspector.password });
  const where = formatHostPort(options.authListen);
  try {
    await using client = await BrokerConnection.open({ broker: address, login: inspector, ca, name: "chatd doctor" });
    const answerer = endpoint === undefined ? "the server answers" : "no server is running, so doctor answered";
    yield ok(`the broker asks for authorization at ${where}: ${answerer}`);
    yield* checkLocks(inspectLocks(client));
    yield* checkExchanges(client);
  } catch (error) {
    if (!(error instanceof ChatError) || error.code === "unavailable") throw error;
    yield {
      kind: "problem",
      what: `the broker does not ask for authorization at ${where}, or uses another secret`,
      fix: `Make sure that the broker can reach that address, and ${configHelp}.`,
    };
  }
}

function standardManagement({ tls, host }: BrokerAddress): string {
  return tls ? `https://${formatHostPort({ host, port: 15671 })}` : `http://${formatHostPort({ host, port: 15672 })}`;
}

function checkVersion(product: string): Finding {
  const [, major, minor] = /^RabbitMQ (\d+)\.(\d+)/.exec(product) ?? [];
  const version = [Number(major), Number(minor)];
  if (major === undefined) {
    return {
      kind: "problem",
      what: `the broker is ${product}, not RabbitMQ`,
      fix: "Use RabbitMQ: chatd supports no other broker.",
    };
  }
  if (version[0] > oldest[0] || (version[0] === oldest[0] && version[1] >= oldest[1])) {
    if (version[0] >= firstMaintained) return ok(product);
    return warning(`${product} gets no free fixes any more`, `Use RabbitMQ ${firstMaintained}.`);
  }
  return problem(`${product} is too old`, `Use RabbitMQ ${oldest.join(".")} or newer.`);
}

async function* checkManagement(management: BrokerManagement, user: string): AsyncGenerator<Finding, void> {
  try {
    const enabled = await listPlugins(management);
    const missing = brokerPlugins.filter((plugin) => !enabled.includes(plugin));
    if (missing.length === 0) yield ok(`the required plugins are enabled: ${brokerPlugins.join(", ")}`);
    else {
      yield {
        kind: missing.includes("rabbitmq_auth_backend_http") ? "problem" : "warning",
        what: `plugins are missing: ${missing.join(", ")}`,
        fix: `rabbitmq-plugins enable ${missing.join(" ")}`,
      };
    }
    if (enabled.includes("rabbitmq_auth_backend_cache")) {
      yield {
        kind: "problem",
        what: "the plugin rabbitmq_auth_backend_cache is enabled: disabled users could still log in",
        fix: "rabbitmq-plugins disable rabbitmq_auth_backend_cache",
      };
    }
    yield* checkNodes(await listNodes(management));
    const users = (await management.get("/api/users") ?? []) as { name: string }[];
    const others = users.map(({ name }) => name).filter((name) => name !== user);
    if (others.length > 0) {
      yield {
        kind: "warning",
        what: `users of the broker can log in without authorization by chatd: ${others.join(", ")}`,
        fix: `Delete the users that you do not need: rabbitmqctl delete_user ${others[0]}`,
      };
    }
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    yield {
      kind: "warning",
      what: error.message,
      fix:
        "Enable rabbitmq_management, and give its URL with --broker-management. Without it, users who were logged out " +
        "stay connected, but their requests are refused.",
    };
  }
}

interface Node {
  readonly name: string;
  readonly running: boolean;
  readonly partitions?: readonly string[];
}

async function listNodes(management: BrokerManagement): Promise<readonly Node[]> {
  return (await management.get("/api/nodes?columns=name,running,partitions") ?? []) as Node[];
}

/** Warns about clusters: chatd supports a single node (docs/amqp.md). */
export function* checkNodes(nodes: readonly Node[]): Generator<Finding, void> {
  const cut = nodes.filter(({ partitions = [] }) => partitions.length > 0).map(({ name }) => name);
  if (cut.length > 0) {
    yield problem(
      `the broker is a partitioned cluster: ${cut.join(", ")}`,
      "Restart the nodes of one side: https://www.rabbitmq.com/docs/partitions",
    );
  }
  if (nodes.length <= 1) {
    yield ok("the broker is a single node");
    return;
  }
  const shown = nodes.map(({ name, running }) => running ? name : `${name} (down)`).join("; ");
  yield warning(
    `the broker is a cluster of ${nodes.length} nodes: ${shown}`,
    "Connect the server and all clients to the same node: chatd supports a single node.",
  );
}

async function listPlugins(management: BrokerManagement): Promise<string[]> {
  for (const deadline = Date.now() + pluginsDeadlineMs;;) {
    const nodes = (await management.get("/api/nodes?columns=enabled_plugins") ?? []) as {
      enabled_plugins?: string[];
    }[];
    const plugins = nodes.flatMap(({ enabled_plugins }) => enabled_plugins ?? []);
    if (plugins.length > 0 || Date.now() > deadline) return plugins;
    await new Promise((resolve) => setTimeout(resolve, pluginsIntervalMs));
  }
}

async function checkServers(connection: BrokerConnection): Promise<Finding> {
  const servers = await countServers(connection).catch(() => 0);
  if (servers > 0) return ok("a chatd server accepts requests");
  return warning("no chatd server accepts requests", `S${startServer.slice(1)}.`);
}

/** Reports each lock that does not hold, or else that clients cannot bypass the server. */
export async function* checkLocks(locks: AsyncIterable<Lock>): AsyncGenerator<Finding, void> {
  let checks = 0;
  let isLocked = true;
  for await (const { what, holds } of locks) {
    checks++;
    isLocked &&= holds;
    if (!holds) yield problem(`clients can ${what}`, `The broker must ask chatd for authorization: ${configHelp}.`);
  }
  if (isLocked) yield ok(`clients cannot bypass the server (${checks} checks)`);
}

async function* checkExchanges(client: BrokerConnection): AsyncGenerator<Finding, void> {
  for (const exchange of clientExchanges) {
    yield await canPublish(client, exchange) ? ok(`clients can write to ${exchange}`) : warning(
      `clients cannot write to ${exchange}`,
      "Start a server on this broker, which creates it; if one is running, restart it.",
    );
  }
}

/** Answers the broker's authorization requests; returns undefined if a server already listens there. */
async function startEndpointIfFree(
  listen: HostPort,
  { secret, password }: { secret: string; password: string },
): Promise<AuthorityEndpoint & AsyncDisposable | undefined> {
  const authority = {
    decide: (
      kind: string,
      { username, password: given, name, resource, permission }: Readonly<Record<string, string>>,
    ) => {
      const isInspector = username === inspectorUser && (kind !== "user" || given === password);
      const isGranted = kind !== "resource" ||
        (resource === "exchange" && permission === "write" && clientExchanges.includes(name));
      return Promise.resolve(isInspector && kind !== "topic" && isGranted ? "allow" as const : "deny" as const);
    },
  };
  try {
    const endpoint = await startAuthorityEndpoint({ authority, secret, listen, log: silentLog });
    return { ...endpoint, [Symbol.asyncDispose]: () => endpoint.close() };
  } catch (error) {
    if (error instanceof ChatError && error.code === "unavailable") return undefined;
    throw error;
  }
}
