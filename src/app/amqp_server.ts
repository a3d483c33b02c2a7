import { startAuthorityEndpoint } from "../amqp/broker/authority_endpoint.ts";
import { BrokerAuthority, inspectorPassword, inspectorUser } from "../amqp/broker/broker_authority.ts";
import { maxAmqpFrameBytes } from "../amqp/broker/broker_config.ts";
import { BrokerManagement } from "../amqp/broker/broker_management.ts";
import { BrokerWatch } from "../amqp/broker/broker_watch.ts";
import { RefusedLogins } from "../amqp/broker/refused_logins.ts";
import { BlockedConnections } from "../amqp/connection/blocked_connections.ts";
import { type BrokerLogin, formatBroker } from "../amqp/connection/broker_address.ts";
import { BrokerConnection } from "../amqp/connection/broker_connection.ts";
import { type AmqpServer, startAmqpServer } from "../amqp/server/server.ts";
import { SessionQueues } from "../amqp/server/session_queues.ts";
import { calmLog } from "../core/calm_log.ts";
import type { Chat } from "../core/chat.ts";
import { ChatError } from "../core/chat_error.ts";
import { systemClock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { pause } from "../core/pause.ts";
import { inspectCertificate } from "../host/certificates/certificate.ts";
import { readPem } from "../host/certificates/pem_file.ts";
import { defer } from "../host/defer.ts";
import { formatHostPort } from "../host/host_port.ts";
import { isLoopback } from "../host/loopback.ts";
import { version } from "../host/version.ts";
import { brokerAuthSecret, ownAuthSecretFile } from "./broker/broker_auth_secret.ts";
import { brokerLogin, ownPasswordFile } from "./broker/broker_login.ts";
import { refuseOpenBroker } from "./broker/broker_network.ts";
import { keepServing } from "./keep_serving.ts";
import { amqpRegistrationPolicy } from "./registration_policy.ts";
import { runServer, type ServerEnd } from "./run_server.ts";
import type { AmqpServerOptions } from "./server_options.ts";
import type { RunningTransport, Serving, TransportServer } from "./transport_server.ts";

/** How long the broker may take to receive the last messages of sessions, in milliseconds. */
const drainDeadlineMs = 5_000;
/** Further attempts to be asked through a load balancer, and the wait between them, in milliseconds. */
const balancerPatience = 5;
const balancerIntervalMs = 1_000;

/** Serves until a signal arrives. @throws {ChatError} if it cannot start or continue */
export async function runAmqpServer(options: AmqpServerOptions): Promise<ServerEnd> {
  return await runServer(options, [amqpTransport(options)]);
}

/** @param beside other transports serve in the same process: see {@link keepServing} */
export function amqpTransport(
  options: AmqpServerOptions,
  { beside = false }: { beside?: boolean } = {},
): TransportServer {
  const { authListen, caFile, brokerPasswordFile, authSecretFile, dataDir } = options;
  return {
    protocol: "RabbitMQ",
    registration: amqpRegistrationPolicy(options),
    port: authListen.port,
    insecure: options.insecure,
    startFiles: [
      ...caFile === undefined ? [] : [caFile],
      brokerPasswordFile ?? ownPasswordFile(dataDir),
      authSecretFile ?? ownAuthSecretFile(dataDir),
    ],
    needs: {
      read: [caFile, brokerPasswordFile, authSecretFile].filter((file) => file !== undefined),
      net: hosts(options),
    },
    async prepare() {
      refuseOpenNetwork(options);
      const pem = caFile === undefined ? undefined : await readPem(caFile);
      const ca = pem && new TextDecoder().decode(pem);
      const login = await brokerLogin(options);
      if (authSecretFile !== undefined) brokerAuthSecret({ ...options, secretFile: authSecretFile });
      const certificates = pem === undefined ? [] : [inspectCertificate("broker_ca", caFile!, pem)];
      return {
        certificates,
        standBy: ({ port }) => Promise.resolve({ port, close: () => Promise.resolve() }),
        start: (serving) => start(options, { ...serving, login, ca, beside }),
      };
    },
    greeting: () => [greeting(options, beside), ...beside ? [] : registrationAdvice(options)],
  };
}

function hosts({ broker: { address }, authListen, management }: AmqpServerOptions): string[] {
  const needed = [formatHostPort(address), formatHostPort(authListen)];
  if (management === undefined) return needed;
  const { protocol, hostname, port } = new URL(management);
  return [...needed, `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`];
}

/** Dependencies of the server's connections to the broker. */
interface BrokerContext {
  readonly chat: Chat;
  readonly log: Log;
  readonly login: BrokerLogin;
  readonly ca: string | undefined;
}

async function start(
  options: AmqpServerOptions,
  { again, beside, ...context }: BrokerContext & Pick<Serving, "again"> & { beside: boolean },
): Promise<RunningTransport> {
  const { broker: { address }, authListen, sharedLogin, amqpRegistration, rate } = options;
  const { chat, log, login, ca } = context;
  await using opened = new AsyncDisposableStack();
  const queues = new SessionQueues();
  const management = sharedLogin ? undefined : openManagement(options, context, opened);
  const blocked = new BlockedConnections();
  const authority = sharedLogin
    ? undefined
    : await openAuthority(options, { ...context, queues, management, blocked }, opened);
  if (sharedLogin) {
    log.warn("shared login: every user of it can read and write everything on the broker, bypassing this server");
  }
  const open = ({ again }: { again: boolean }): Promise<AmqpServer> =>
    startAmqpServer({
      chat,
      log,
      queues,
      blocked,
      server: `chatd ${version}`,
      defer,
      broker: address,
      login,
      ca,
      sharedLogin,
      registration: amqpRegistration || sharedLogin,
      isRestart: again,
      inspect: authority && ((signal) => awaitAuthorization(options, { ...authority, ca, log, signal })),
      // Well-behaved clients put many requests into a message, and acknowledge a few times a second.
      flood: { perSecond: 100 + 2 * rate.perSecond, burst: 1_000 + 2 * rate.burst },
      kick: management && ((target) => void management.kick(target)),
      closeConnection: management && ((name) => void management.closeConnection(name)),
      whileTracing: management && ((look) => management.whileTracing(address.vhost, look)),
    });
  const server = beside ? await keepServing({ at: formatBroker(address), log, again, open }) : await open({ again });
  const around = opened.move();
  const close = async () => {
    await server.close({ deadlineMs: drainDeadlineMs });
    await around.disposeAsync();
  };
  let closed: Promise<void> | undefined;
  const { ready, failed } = server;
  return {
    name: "amqp",
    port: authListen.port,
    get isUp() {
      return server.isServing;
    },
    get isBlocked() {
      return server.isBlocked;
    },
    ready,
    failed,
    stop: () => server.stop(),
    close: () => closed ??= close(),
  };
}

function openManagement(
  { management: url }: AmqpServerOptions,
  { chat, log, login, ca }: BrokerContext,
  opened: AsyncDisposableStack,
): BrokerManagement | undefined {
  if (url === undefined) {
    log.warn(
      "without --broker-management, users who were logged out stay connected to the broker, though their requests are " +
        "refused, and connections of a user are not counted",
    );
    return undefined;
  }
  const management = opened.use(new BrokerManagement({ url, login, ca, log }));
  management.guard(chat.accounts);
  return management;
}

/** Starts the endpoint for the broker's authorization requests. */
async function openAuthority(
  options: AmqpServerOptions,
  { chat, log, login, queues, management, blocked }: BrokerContext & {
    queues: SessionQueues;
    management: BrokerManagement | undefined;
    blocked: BlockedConnections;
  },
  opened: AsyncDisposableStack,
): Promise<{ inspector: BrokerLogin; port: number }> {
  const { broker: { address }, authListen, authSecretFile, dataDir } = options;
  const calm = calmLog(log);
  const secret = brokerAuthSecret({ dataDir, secretFile: authSecretFile });
  const inspector = { user: inspectorUser, password: inspectorPassword(secret) };
  const refused = new RefusedLogins({ clock: systemClock });
  const authority = new BrokerAuthority({
    refused,
    accounts: chat.accounts,
    registration: amqpRegistrationPolicy(options),
    sessionQueues: queues,
    internalUser: login.user,
    vhost: address.vhost,
    inspectorPassword: inspector.password,
    clock: systemClock,
    log: calm,
    countConnections: management && ((user) => management.countConnections(user)),
    onFlood: (user) => void management?.kick({ user }),
  });
  const endpoint = await startAuthorityEndpoint({ authority, secret, listen: authListen, log: calm });
  opened.defer(() => endpoint.close());
  if (management !== undefined) {
    const serverUser = login.user;
    const isAccount = async (user: string) => user !== serverUser && await chat.accounts.findUser(user) !== undefined;
    const lacksMemory = () => blocked.lacksMemory;
    const watched = { management, vhost: address.vhost, log, refused, serverUser, isAccount, lacksMemory };
    const watch = new BrokerWatch(watched);
    opened.use(watch).start();
  }
  return { inspector, port: endpoint.port };
}

/**
 * Requires that the broker asks this server. A load balancer before the nodes of a database may find a new node only
 * after a few seconds.
 * @throws {ChatError} as `requireAuthorization` says
 */
async function awaitAuthorization(
  options: AmqpServerOptions,
  context: Parameters<typeof requireAuthorization>[1],
): Promise<void> {
  for (let left = options.database === undefined ? 0 : balancerPatience;; left--) {
    try {
      return await requireAuthorization(options, context);
    } catch (error) {
      const isRefused = error instanceof ChatError && error.code === "permission_denied";
      if (!isRefused || left === 0 || !await pause(balancerIntervalMs, context.signal)) throw error;
    }
  }
}

/** @throws {ChatError} `permission_denied` if the broker does not ask this server for authorization; `unavailable` */
async function requireAuthorization(
  { broker: { address }, authListen }: AmqpServerOptions,
  { inspector, port, ca, log, signal }: {
    inspector: BrokerLogin;
    port: number;
    ca: string | undefined;
    log: Log;
    signal: AbortSignal;
  },
): Promise<void> {
  try {
    const name = "chatd inspector";
    await using asked = await BrokerConnection.open({ broker: address, login: inspector, ca, name, signal });
    if (asked.frameMax === 0 || asked.frameMax > maxAmqpFrameBytes) {
      log.warn(
        "clients can interrupt this server with deeply nested headers: set frame_max in rabbitmq.conf",
        {
          frame_max: maxAmqpFrameBytes,
        },
      );
    }
  } catch (cause) {
    if (!(cause instanceof ChatError) || cause.code === "unavailable") throw cause;
    throw new ChatError(
      "permission_denied",
      `RabbitMQ at ${formatBroker(address)} does not ask this server at ${
        formatHostPort({ ...authListen, port })
      } for authorization, so any client with a login could bypass it: configure the broker with "chatd broker-config", ` +
        "or accept this with --shared-login.",
      { cause },
    );
  }
}

function refuseOpenNetwork(
  { broker: { address }, management, authListen, sharedLogin, insecure }: AmqpServerOptions,
): void {
  refuseOpenBroker({ address, management, insecure });
  if (!insecure && !sharedLogin && !isLoopback(authListen.host)) {
    throw new ChatError(
      "permission_denied",
      `Listening on ${authListen.host} for the broker's requests would send passwords over the network unencrypted: ` +
        "use --insecure if only the broker reaches it, over a private network.",
    );
  }
}

function greeting({ broker: { address }, sharedLogin }: AmqpServerOptions, beside: boolean): string {
  const condition = beside ? " whenever RabbitMQ is available" : "";
  return `chatd ${version} serves at ${formatBroker(address)}${condition}${sharedLogin ? " (shared login)" : ""}`;
}

/** Returns advice for a server without gRPC whose option `--registration` has no effect. */
function registrationAdvice(options: AmqpServerOptions): string[] {
  if (options.registration === amqpRegistrationPolicy(options)) return [];
  return ["to let users register over RabbitMQ, add --amqp-registration"];
}
