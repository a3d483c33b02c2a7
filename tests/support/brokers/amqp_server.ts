import { type AuthorityEndpoint, startAuthorityEndpoint } from "../../../src/amqp/broker/authority_endpoint.ts";
import { BrokerAuthority } from "../../../src/amqp/broker/broker_authority.ts";
import type { RefusedLogins } from "../../../src/amqp/broker/refused_logins.ts";
import { AmqpTransport } from "../../../src/amqp/client/client_transport.ts";
import type { BrokerAddress } from "../../../src/amqp/connection/broker_address.ts";
import { type AmqpServer, type AmqpServerOptions, startAmqpServer } from "../../../src/amqp/server/server.ts";
import { SessionQueues } from "../../../src/amqp/server/session_queues.ts";
import { openChat } from "../../../src/app/open_chat.ts";
import type { PasswordHasher } from "../../../src/core/accounts/password_hasher.ts";
import type { Chat } from "../../../src/core/chat.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { type Log, silentLog } from "../../../src/core/log.ts";
import { defer } from "../../../src/host/defer.ts";
import type { BrokerNode } from "./broker_node.ts";
import { authSecret } from "./broker_pool.ts";
import { FakeHasher } from "../fakes/fake_hasher.ts";
import { freePorts } from "../processes/free_ports.ts";
import { RabbitNode } from "./rabbitmq_node.ts";
import { workerEntry } from "../processes/worker_entry.ts";

/** A broker that asks the server on `authPort` for permissions. */
export interface TestBroker extends AsyncDisposable {
  readonly node: BrokerNode & { readonly pid: number };
  readonly address: BrokerAddress;
  readonly authPort: number;
  /** In the path under which the broker asks. */
  readonly secret: string;
}

/** A broker of a test's own, which it may stop. */
export interface OwnTestBroker extends TestBroker {
  readonly node: RabbitNode;
}

/** Starts a broker of the test's own. @param config more lines for rabbitmq.conf */
export async function startTestBroker({ config }: { config?: readonly string[] } = {}): Promise<OwnTestBroker> {
  const [authPort] = await freePorts(1);
  const node = await RabbitNode.start({ authUrl: `http://127.0.0.1:${authPort}/${authSecret}`, config });
  const address = { tls: false, host: "127.0.0.1", port: node.amqpPort, vhost: "/" };
  return { node, address, authPort, secret: authSecret, [Symbol.asyncDispose]: () => node[Symbol.asyncDispose]() };
}

export interface TestAmqpServer extends AsyncDisposable {
  readonly chat: Chat;
  readonly server: AmqpServer;
  readonly serverOptions: AmqpServerOptions;
  /** Where the broker asks; closed with the server. */
  readonly endpoint: AuthorityEndpoint;
  readonly queues: SessionQueues;
  transport(user: string): AmqpTransport;
  /** Stops, with or without telling the clients. Idempotent; a folder that was given stays. */
  stop(options: { inPeace: boolean }): Promise<void>;
}

export interface TestAmqpServerOptions extends
  Partial<
    Pick<
      AmqpServerOptions,
      | "backoff"
      | "broker"
      | "closeConnection"
      | "fileFlood"
      | "flood"
      | "kick"
      | "placeDeadlineMs"
      | "sharedLogin"
      | "whileTracing"
    >
  > {
  log?: Log;
  /** Users and addresses that the broker does not let in. */
  refused?: RefusedLogins;
  /** One that hashes nothing unless given. */
  hasher?: PasswordHasher;
  registration?: "open" | "invite" | "closed";
  /** Whether registrations come over the broker; so they do unless given. */
  registers?: boolean;
  rate?: { perSecond: number; burst: number };
  /** Kept by its owner; one of its own unless given. */
  folder?: string;
}

/** A real server on `broker`, which the broker asks, with a data folder of its own. */
export async function startTestAmqpServer(
  broker: TestBroker,
  {
    log = silentLog,
    refused,
    folder,
    hasher = new FakeHasher(),
    registration = "open",
    registers = true,
    rate = { perSecond: 1_000, burst: 10_000 },
    ...options
  }: TestAmqpServerOptions = {},
): Promise<TestAmqpServer> {
  const data = folder ?? await Deno.makeTempDir({ prefix: "chatd-test-" });
  const { chat, close } = openChat({
    folder: data,
    registration,
    rate,
    log,
    hasher,
    entry: workerEntry,
  });
  const queues = new SessionQueues();
  const authority = new BrokerAuthority({
    refused,
    accounts: chat.accounts,
    registration,
    sessionQueues: queues,
    internalUser: broker.node.user,
    clock: systemClock,
    log,
  });
  const endpoint = await startAuthorityEndpoint({
    authority,
    secret: authSecret,
    listen: { host: "127.0.0.1", port: broker.authPort },
    log,
  });
  const serverOptions: AmqpServerOptions = {
    chat,
    log,
    queues,
    server: "chatd test",
    defer,
    broker: broker.address,
    login: { user: broker.node.user, password: broker.node.password },
    sharedLogin: false,
    registration: registers,
    flood: { perSecond: 2_000, burst: 20_000 },
    backoff: { initialMs: 50, maxMs: 200 },
    ...options,
  };
  const server = await startAmqpServer(serverOptions);
  let stopped: Promise<void> | undefined;
  const shutDown = async (inPeace: boolean) => {
    if (inPeace) {
      await server.stop();
      chat.endSessions();
    }
    await server.close({ deadlineMs: inPeace ? 2_000 : 0 });
    await endpoint.close();
    await close();
    if (folder === undefined) await Deno.remove(data, { recursive: true });
  };
  const stop = ({ inPeace }: { inPeace: boolean }) => stopped ??= shutDown(inPeace);
  return {
    chat,
    server,
    serverOptions,
    endpoint,
    queues,
    transport: (user) => new AmqpTransport({ broker: broker.address, user }),
    stop,
    [Symbol.asyncDispose]: () => stop({ inPeace: true }),
  };
}
