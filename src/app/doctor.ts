import { type AuthorityEndpoint, startAuthorityEndpoint } from "../amqp/authority_endpoint.ts";
import { type BrokerAddress, formatBroker } from "../amqp/broker_address.ts";
import { inspectorPassword, inspectorUser } from "../amqp/broker_authority.ts";
import { brokerPlugins } from "../amqp/broker_config.ts";
import { BrokerConnection } from "../amqp/broker_connection.ts";
import { canPublish, countServers, inspectLocks } from "../amqp/broker_inspection.ts";
import { BrokerManagement } from "../amqp/broker_management.ts";
import { requestExchange } from "../amqp/topology.ts";
import { ChatError } from "../core/chat_error.ts";
import { silentLog } from "../core/log.ts";
import { brokerAuthSecret } from "./broker_auth_secret.ts";
import { brokerLogin, type BrokerLoginOptions } from "./broker_login.ts";
import { refuseOpenBroker } from "./broker_network.ts";
import { formatHostPort, type HostPort } from "./host_port.ts";
import { requireDataFolder } from "./permissions.ts";
import { readPemText } from "./pem_file.ts";

/** What `chatd doctor` is asked to do. */
export interface DoctorOptions extends BrokerLoginOptions {
  readonly caFile?: string;
  /** Where the broker asks; nobody need listen there. */
  readonly authListen: HostPort;
  readonly authSecretFile?: string;
  /** Of the management plugin; port 15672 of the broker, or 15671 where it is reached with TLS, unless given. */
  readonly management?: string;
  /** Let secrets go beyond loopback without TLS. */
  readonly insecure: boolean;
}

/** What was found, and what to do about it. */
interface Finding {
  readonly kind: "ok" | "warning" | "problem";
  readonly what: string;
  readonly fix?: string;
}

/** The only one that was tried: 3.10.8. */
const oldest = [3, 10];
/** The broker lists its plugins some seconds after it started. */
const pluginsDeadlineMs = 8_000;
const pluginsIntervalMs = 500;
const configHelp = 'set it up as "chatd broker-config" says, and restart it';

/** Checks a broker step by step, and says what to fix. @returns 0 when nothing has to be fixed. @throws {ChatError} when it cannot be reached */
export async function runDoctor(options: DoctorOptions): Promise<number> {
  let problems = 0;
  for await (const { kind, what, fix } of examine(options)) {
    if (kind === "problem") problems++;
    console.log(`${{ ok: "ok     ", warning: "warning", problem: "PROBLEM" }[kind]}  ${what}`);
    if (fix !== undefined) console.log(`         ${fix}`);
  }
  console.log(
    problems === 0
      ? "Nothing to fix."
      : `${problems} ${problems === 1 ? "problem" : "problems"} to fix before people can chat safely over this broker.`,
  );
  return problems === 0 ? 0 : 1;
}

async function* examine(options: DoctorOptions): AsyncGenerator<Finding, void> {
  const { broker: { address }, caFile, dataDir, authSecretFile, insecure } = options;
  const url = options.management ?? standardManagement(address);
  refuseOpenBroker({ address, management: url, insecure });
  requireDataFolder(dataDir);
  const login = await brokerLogin(options);
  const ca = caFile === undefined ? undefined : await readPemText(caFile);
  await using connection = await BrokerConnection.open({ broker: address, login, ca, name: "chatd doctor" });
  yield { kind: "ok", what: `${formatBroker(address)} is there, and lets "${login.user}" in` };
  yield aboutVersion(connection.product);
  await using management = new BrokerManagement({ url, login, ca, log: silentLog });
  yield* aboutManagement(management, login.user);
  yield await aboutServers(connection);

  const secret = brokerAuthSecret({ dataDir, secretFile: authSecretFile });
  const inspector = { user: inspectorUser, password: inspectorPassword(secret) };
  await using endpoint = await answerIfNobodyDoes(options.authListen, { secret, password: inspector.password });
  const where = formatHostPort(options.authListen);
  try {
    await using client = await BrokerConnection.open({ broker: address, login: inspector, ca, name: "chatd doctor" });
    const who = endpoint === undefined ? "the server there" : "chatd, whose server does not run now";
    yield { kind: "ok", what: `the broker asks at ${where} who may log in: ${who}` };
    yield* aboutLocks(client);
  } catch (error) {
    if (!(error instanceof ChatError) || error.code === "unavailable") throw error;
    yield {
      kind: "problem",
      what: `the broker does not ask at ${where} who may log in, or asks there with another secret`,
      fix: `Make sure that the broker reaches that address, and ${configHelp}.`,
    };
  }
}

function standardManagement({ tls, host }: BrokerAddress): string {
  return tls ? `https://${formatHostPort({ host, port: 15671 })}` : `http://${formatHostPort({ host, port: 15672 })}`;
}

function aboutVersion(product: string): Finding {
  const [, major, minor] = /^RabbitMQ (\d+)\.(\d+)/.exec(product) ?? [];
  const version = [Number(major), Number(minor)];
  if (major === undefined) {
    return {
      kind: "problem",
      what: `it is ${product}, and not RabbitMQ`,
      fix: "Only RabbitMQ can ask chatd who may do what.",
    };
  }
  if (version[0] > oldest[0] || (version[0] === oldest[0] && version[1] >= oldest[1])) {
    return { kind: "ok", what: product };
  }
  return { kind: "problem", what: `${product} is too old`, fix: `Use RabbitMQ ${oldest.join(".")} or newer.` };
}

async function* aboutManagement(management: BrokerManagement, user: string): AsyncGenerator<Finding, void> {
  try {
    const enabled = await listPlugins(management);
    const missing = brokerPlugins.filter((plugin) => !enabled.includes(plugin));
    if (missing.length === 0) yield { kind: "ok", what: `its plugins are enabled: ${brokerPlugins.join(", ")}` };
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
        what: "the plugin rabbitmq_auth_backend_cache is enabled: who was disabled could still log in",
        fix: "rabbitmq-plugins disable rabbitmq_auth_backend_cache",
      };
    }
    const users = (await management.get("/api/users") ?? []) as { name: string }[];
    const others = users.map(({ name }) => name).filter((name) => name !== user);
    if (others.length > 0) {
      yield {
        kind: "warning",
        what: `users of the broker's own are let in without asking chatd: ${others.join(", ")}`,
        fix: `Delete those that are not needed: rabbitmqctl delete_user ${others[0]}`,
      };
    }
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    yield {
      kind: "warning",
      what: error.message,
      fix:
        "Without it, those who were logged out stay connected, where they are refused: enable rabbitmq_management, " +
        "and say where it is with --broker-management.",
    };
  }
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

async function aboutServers(connection: BrokerConnection): Promise<Finding> {
  const servers = await countServers(connection).catch(() => 0);
  if (servers > 0) return { kind: "ok", what: "a chatd server takes requests" };
  return { kind: "warning", what: "no chatd server takes requests", fix: 'Start one: "chatd amqp-server".' };
}

async function* aboutLocks(client: BrokerConnection): AsyncGenerator<Finding, void> {
  let held = 0;
  for await (const { what, holds } of inspectLocks(client)) {
    if (holds) held++;
    else yield { kind: "problem", what: `clients can ${what}`, fix: `The broker must ask chatd: ${configHelp}.` };
  }
  yield { kind: held > 0 ? "ok" : "problem", what: `clients are locked in (${held} things tried)` };
  if (await canPublish(client)) yield { kind: "ok", what: "clients can send requests" };
  else {yield {
      kind: "warning",
      what: `clients cannot send requests: there may be no exchange "${requestExchange}" yet`,
    };}
}

/** Undefined when somebody listens there already. */
async function answerIfNobodyDoes(
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
        (resource === "exchange" && permission === "write" && name === requestExchange);
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
