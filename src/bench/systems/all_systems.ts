import { openAmqpTransport } from "../../app/client/amqp_transport.ts";
import { openGrpcTransport } from "../../app/client/grpc_transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import { readAuthorities } from "../../host/certificates/pem_file.ts";
import type { BenchOptions } from "../bench_options.ts";
import { openAmqpPipe } from "../driver/amqp_pipe.ts";
import { Http2Pipe, type PipeTls } from "../driver/http2_pipe.ts";
import type { SystemName } from "../result.ts";
import { BareAmqp } from "./bare_amqp.ts";
import { BenchBroker } from "./bench_broker.ts";
import { folderStorage } from "./bench_storage.ts";
import { type BenchServer, type BenchServers, OwnServers, type OwnTransport, RunningServer } from "./chatd_servers.ts";
import { clientSystem } from "./client_system.ts";
import { DatabaseStorage } from "./database_storage.ts";
import type { OwnedResources } from "./owned_resources.ts";
import { rawSystem, type RawWay } from "./raw_system.ts";
import { RelaySystem } from "./relay_system.ts";
import { servingProcessOf } from "./serving_process.ts";
import type { BenchSystem } from "./system.ts";

/** The method of live sessions. */
export const connectPath = "/chatd.v1.ChatService/Connect";

export interface Systems {
  /** In the order of their names. */
  readonly systems: readonly BenchSystem[];
  /** The running server, once for each transport; empty when the bench starts its own. */
  readonly running: readonly RunningServer[];
}

/** Makes the systems that the options ask for; they start later. */
export async function makeSystems(options: BenchOptions, resources: OwnedResources): Promise<Systems> {
  const broker = new BenchBroker(resources);
  const ca = options.tls?.caFile === undefined ? undefined : await readAuthorities(options.tls.caFile);
  const { running, ...servers } = options.server === undefined
    ? ownServers(options, { resources, broker })
    : runningServers(options, { ca, server: options.serverPid && await servingProcessOf(options.serverPid) });
  const grpc = (name: SystemName, way: { on: BenchServers; joined: boolean }) => rawSystem(grpcWay(name, way, options));
  const client = (name: SystemName, callback: boolean) =>
    clientSystem({ name, servers: servers.grpc, callback, transport: grpcTransport(options, callback) });
  const amqp = (name: SystemName, joined: boolean) =>
    rawSystem({
      name,
      servers: servers.broker,
      joined,
      pipe: (server, { name, token }) => {
        const { address, login = { user: name, password: token } } = brokerOf(server);
        return openAmqpPipe({ broker: address, login, ca, joined });
      },
      transport: (server, user) =>
        openAmqpTransport({ ...options, broker: brokerOf(server), user, caFile: options.tls?.caFile }),
    });
  const all: BenchSystem[] = [
    grpc("grpc-stream", { on: servers.grpc, joined: true }),
    grpc("grpc-single", { on: servers.grpc, joined: false }),
    grpc("grpc-tls", { on: servers.tls, joined: true }),
    grpc("grpc-tls-single", { on: servers.tls, joined: false }),
    client("grpc-client", false),
    client("grpc-callback", true),
    grpc("grpc-database", { on: servers.database, joined: true }),
    new RelaySystem({ name: "bare-grpc", kind: "grpc", resources }),
    new RelaySystem({ name: "bare-socket", kind: "socket", resources }),
    amqp("amqp", true),
    amqp("amqp-single", false),
    new BareAmqp(broker),
  ];
  const isAsked = (name: SystemName) =>
    options.systems?.includes(name) ?? (name !== "grpc-database" || options.database !== undefined);
  return { systems: all.filter(({ name }) => isAsked(name)), running };
}

interface Servers {
  readonly grpc: BenchServers;
  readonly tls: BenchServers;
  readonly broker: BenchServers;
  readonly database: BenchServers;
  readonly running: readonly RunningServer[];
}

function ownServers(
  { database }: BenchOptions,
  { resources, broker }: { resources: OwnedResources; broker: BenchBroker },
): Servers {
  const on = (transport: OwnTransport, storage = folderStorage) => new OwnServers(resources, { transport, storage });
  return {
    grpc: on("grpc"),
    tls: on("grpc-tls"),
    broker: on(broker),
    database: database === undefined
      ? refusing("It needs a database: name one with --database.")
      : on("grpc", new DatabaseStorage(resources, database)),
    running: [],
  };
}

function runningServers(
  { server: address, broker, brokerPid, tls }: BenchOptions,
  { ca, server }: { ca: string | undefined; server: number | undefined },
): Servers {
  const pipeTls: PipeTls | undefined = tls && { ca, serverName: tls.serverName ?? address!.host };
  const grpc = new RunningServer({ address, tls: pipeTls, processes: { server } });
  const onBroker = new RunningServer({ broker, processes: { server, broker: brokerPid } });
  return {
    grpc,
    tls: refusing("A running server has TLS or not: --tls is for all rows of gRPC."),
    broker: onBroker,
    database: refusing("A running server has its store already."),
    running: [grpc, onBroker],
  };
}

/** Returns servers that cannot be measured. */
function refusing(reason: string): BenchServers {
  return { start: () => Promise.reject(new ChatError("not_found", reason)) };
}

function grpcWay(
  name: SystemName,
  { on, joined }: { on: BenchServers; joined: boolean },
  options: BenchOptions,
): RawWay {
  return {
    name,
    servers: on,
    joined,
    pipe: ({ address, tls }) => (handlers) => {
      if (options.tls?.certFile !== undefined) {
        throw new ChatError("not_found", "The raw driver shows no client certificate: measure grpc-client instead.");
      }
      return Http2Pipe.open({ ...address!, tls, path: connectPath, ...handlers });
    },
    transport: grpcTransport(options, false),
  };
}

function grpcTransport(options: BenchOptions, callback: boolean) {
  return ({ address }: BenchServer) =>
    openGrpcTransport({ ...options, servers: [address!], delivery: callback ? "callback" : "stream" });
}

/** @throws {ChatError} `not_found` for a running server whose broker was not named */
function brokerOf({ broker }: BenchServer) {
  if (broker !== undefined) return broker;
  throw new ChatError("not_found", "The server's broker is not known: name it with --broker.");
}
