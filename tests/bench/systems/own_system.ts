import { makeAccounts } from "../../../src/bench/systems/accounts.ts";
import { connectPath } from "../../../src/bench/systems/all_systems.ts";
import { folderStorage } from "../../../src/bench/systems/bench_storage.ts";
import type { BenchServer, BenchServers } from "../../../src/bench/systems/chatd_servers.ts";
import { openAmqpPipe } from "../../../src/bench/driver/amqp_pipe.ts";
import { Http2Pipe } from "../../../src/bench/driver/http2_pipe.ts";
import { clientSystem } from "../../../src/bench/systems/client_system.ts";
import { rawSystem } from "../../../src/bench/systems/raw_system.ts";
import type { BenchSystem } from "../../../src/bench/systems/system.ts";
import { GrpcTransport } from "../../../src/grpc/client/client_transport.ts";
import { createThrowawayCertificate } from "../../../src/grpc/callback/throwaway_certificate.ts";
import { listenerName } from "../../../src/grpc/callback/callback_protocol.ts";
import { startTestAmqpServer, type TestBroker } from "../../support/brokers/amqp_server.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";

/** More than any workload of a test needs. */
const rate = { perSecond: 1_000_000, burst: 1_000_000 };

/** Servers in this process, each on a folder that the workload fills. */
function serversIn(ownFolder: string, start: (folder: string) => Promise<AsyncDisposable & Partial<BenchServer>>) {
  return {
    async start({ users, folder = ownFolder, fill }) {
      const { prepared: accounts } = await folderStorage.prepare(folder, async (store) => {
        const accounts = await makeAccounts(store, users);
        await fill?.(store, accounts);
        return accounts;
      });
      const server = await start(folder);
      return {
        processes: { server: Deno.pid },
        failed: new Promise<never>(() => {}),
        account: () => Promise.resolve(accounts.pop()!),
        ...server,
      };
    },
  } satisfies BenchServers;
}

function grpcServers(ownFolder: string, { encrypted = false }: { encrypted?: boolean } = {}): BenchServers {
  return serversIn(ownFolder, async (folder) => {
    const { pem, keyPem } = await createThrowawayCertificate();
    const utf8 = new TextEncoder();
    const tls = encrypted ? { certificate: utf8.encode(pem), key: utf8.encode(keyPem) } : undefined;
    const server = await startTestGrpcServer({ folder, rate, tls });
    return {
      address: { host: "127.0.0.1", port: server.server.port },
      tls: encrypted ? { ca: pem, serverName: listenerName } : undefined,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
}

function grpcTransport({ address }: BenchServer) {
  return Promise.resolve(new GrpcTransport({ ...address!, callback: false }));
}

/** chatd over gRPC in this process, driven by raw frames. */
export function rawGrpc(folder: string, options: { joined?: boolean; encrypted?: boolean } = {}): BenchSystem {
  return rawSystem({
    name: "grpc-stream",
    servers: grpcServers(folder, options),
    joined: options.joined ?? true,
    pipe: ({ address, tls }) => (handlers) => Http2Pipe.open({ ...address!, tls, path: connectPath, ...handlers }),
    transport: grpcTransport,
  });
}

/** chatd over gRPC in this process, with its own clients. */
export function grpcClients(folder: string): BenchSystem {
  return clientSystem({
    name: "grpc-client",
    servers: grpcServers(folder),
    callback: false,
    transport: grpcTransport,
  });
}

/** chatd over a broker in this process, driven by raw frames. */
export function rawAmqp(folder: string, broker: TestBroker, { joined }: { joined: boolean }): BenchSystem {
  const servers = serversIn(folder, async (folder) => {
    const server = await startTestAmqpServer(broker, { folder, rate });
    return {
      processes: { server: Deno.pid, broker: broker.node.pid },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
  return rawSystem({
    name: "amqp",
    servers,
    joined,
    pipe: (_, { name, token }) =>
      openAmqpPipe({ broker: broker.address, login: { user: name, password: token }, joined }),
    transport: () => Promise.reject(new TypeError("all accounts exist")),
  });
}
