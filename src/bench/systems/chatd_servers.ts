import type { BrokerUrl } from "../../app/broker/broker_url.ts";
import type { Transport } from "../../client/transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import { listenerName } from "../../grpc/callback/callback_protocol.ts";
import { programPaths } from "../../host/background_worker.ts";
import { formatHostPort, type HostPort } from "../../host/host_port.ts";
import { serverV8Flags } from "../../host/supervisor/serving_command.ts";
import { type Account, makeAccounts, namePrefix } from "./accounts.ts";
import type { BenchStorage } from "./bench_storage.ts";
import type { PipeTls } from "../driver/http2_pipe.ts";
import type { BenchBroker, StartedBroker } from "./bench_broker.ts";
import type { OwnedResources } from "./owned_resources.ts";
import type { MeasuredProcesses, SystemNeeds } from "./system.ts";

/** A rate of requests that no user reaches. */
const noLimit = "1000000";

/** A server to measure. Disposing of it ends a server that the bench started. */
export interface BenchServer extends AsyncDisposable {
  /** The gRPC address; undefined for a server that is only on a broker. */
  readonly address?: HostPort;
  readonly broker?: BrokerUrl;
  /** The certificate to trust; undefined for a server without TLS. */
  readonly tls?: PipeTls;
  readonly processes: MeasuredProcesses;
  /** Rejects when a server of the bench dies. */
  readonly failed: Promise<never>;
  /** Returns an account that is not used yet; `transport` registers it on a running server. @throws {ChatError} */
  account(transport: (user: string) => Promise<Transport>): Promise<Account>;
}

/** The source of the server of a run. */
export interface BenchServers {
  start(needs: SystemNeeds): Promise<BenchServer>;
}

/** A transport of a new server. */
interface OwnWay {
  readonly args: readonly string[];
  readonly net: readonly string[];
  readonly read: readonly string[];
  server(port: number): Pick<BenchServer, "address" | "broker" | "tls">;
  readonly brokerPid?: number;
}

/** The transport of new servers: gRPC only, with or without TLS, or a broker only. */
export type OwnTransport = "grpc" | "grpc-tls" | BenchBroker;

export interface OwnServersOptions {
  readonly transport: OwnTransport;
  readonly storage: BenchStorage;
}

/** A new server for each run, in its own process on a new store. */
export class OwnServers implements BenchServers {
  readonly #resources: OwnedResources;
  readonly #transport: OwnTransport;
  readonly #storage: BenchStorage;

  constructor(resources: OwnedResources, { transport, storage }: OwnServersOptions) {
    this.#resources = resources;
    this.#transport = transport;
    this.#storage = storage;
  }

  async start({ users, folder: shared, fill }: SystemNeeds): Promise<BenchServer> {
    const way = await this.#way();
    const folder = shared ?? await this.#resources.folder();
    const place = await this.#storage.prepare(folder, async (store) => {
      const accounts = await makeAccounts(store, users);
      await fill?.(store, accounts);
      return accounts;
    });
    const accounts = place.prepared;
    const { pid, port, failed, ...program } = await this.#resources.startProgram(
      [
        ...way.args,
        ...place.args,
        "--supervised",
        `--data=${folder}`,
        "--registration=closed",
        "--log-level=warn",
        `--rate=${noLimit}`,
        `--burst=${noLimit}`,
      ],
      {
        read: [folder, ...programPaths(), ...way.read, ...place.read],
        write: [folder],
        net: [...way.net, `unix:${folder}`, ...place.net],
        env: ["BUF_*", ...place.env],
        sys: ["statfs"],
        v8Flags: serverV8Flags,
      },
    );
    return {
      ...way.server(port),
      processes: { server: pid, broker: way.brokerPid, database: place.databasePid },
      failed,
      account: () => {
        const account = accounts.pop();
        if (account === undefined) throw new RangeError(`the workload has more users than the ${users} it asked for`);
        return Promise.resolve(account);
      },
      [Symbol.asyncDispose]: async () => {
        await program[Symbol.asyncDispose]();
        await place.remove();
        if (shared === undefined) await Deno.remove(folder, { recursive: true });
      },
    };
  }

  async #way(): Promise<OwnWay> {
    if (this.#transport === "grpc") return overGrpc;
    if (this.#transport === "grpc-tls") return await overTls(this.#resources);
    return overBroker(await this.#transport.start());
  }
}

const overGrpc: OwnWay = {
  args: ["grpc-server", "--listen=127.0.0.1:0"],
  net: ["127.0.0.1"],
  read: [],
  server: (port) => ({ address: { host: "127.0.0.1", port } }),
};

/** TLS with a throw-away certificate, which only the driver trusts. */
async function overTls(resources: OwnedResources): Promise<OwnWay> {
  const { createThrowawayCertificate } = await import("../../grpc/callback/throwaway_certificate.ts");
  const { pem, keyPem } = await createThrowawayCertificate();
  const folder = await resources.folder();
  await Deno.mkdir(folder);
  const [certFile, keyFile] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  await Deno.writeTextFile(certFile, pem);
  await Deno.writeTextFile(keyFile, keyPem, { mode: 0o600 });
  return {
    ...overGrpc,
    args: [...overGrpc.args, `--tls-cert=${certFile}`, `--tls-key=${keyFile}`],
    read: [certFile, keyFile],
    server: (port) => ({ ...overGrpc.server(port), tls: { ca: pem, serverName: listenerName } }),
  };
}

function overBroker({ address, pid, managementUrl, authPort, passwordFile, secretFile }: StartedBroker): OwnWay {
  const authListen = { host: "127.0.0.1", port: authPort };
  return {
    args: [
      "amqp-server",
      `--broker=amqp://${formatHostPort(address)}`,
      `--broker-password-file=${passwordFile}`,
      `--broker-auth-listen=${formatHostPort(authListen)}`,
      `--broker-auth-secret-file=${secretFile}`,
      `--broker-management=${managementUrl}`,
    ],
    net: ["127.0.0.1"],
    read: [passwordFile, secretFile],
    server: () => ({ broker: { address } }),
    brokerPid: pid,
  };
}

/** A running server. Its new accounts and messages stay: the bench cannot know which data refers to them. */
export class RunningServer implements BenchServers {
  readonly #server: Pick<BenchServer, "address" | "broker" | "tls" | "processes">;
  /** The number of accounts that were registered. */
  registered = 0;

  constructor(server: Pick<BenchServer, "address" | "broker" | "tls" | "processes">) {
    this.#server = server;
  }

  start({ fill, folder }: SystemNeeds): Promise<BenchServer> {
    if (fill !== undefined || folder !== undefined) {
      return Promise.reject(
        new ChatError("invalid_argument", "The bench fills only servers that it started."),
      );
    }
    return Promise.resolve({
      ...this.#server,
      failed: new Promise<never>(() => {}),
      account: (transport) => this.#register(transport),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }

  async #register(transport: (user: string) => Promise<Transport>): Promise<Account> {
    const name = `${namePrefix}${crypto.randomUUID().slice(0, 13)}`;
    const { credentials } = await (await transport(name)).register(
      { user: name, password: crypto.randomUUID(), invite: "", deviceName: "bench" },
      {},
    );
    this.registered++;
    return { name, token: credentials!.token };
  }
}
