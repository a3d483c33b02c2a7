/**
 * Opens and closes connections to itself, one after another, and prints as JSON what each left behind: a {@link Leak}.
 * Runs as a process of its own, with `--v8-flags=--expose-gc`.
 *
 * Arguments: a JSON object {@link LeakProbeOptions}.
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import net from "node:net";
import process from "node:process";
import tls from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { callUnary } from "../../src/grpc/http2/client_call.ts";
import { connectOver } from "../../src/grpc/http2/socket_transport.ts";
import { startEchoServer } from "../grpc/http2/echo_server.ts";
import { limits } from "../grpc/http2/wire.ts";
import type { KeyPair } from "./certificates.ts";

export const LEAK_KINDS = ["TCP", "TLS", "HTTP/2 of chatd", "grpc-js client"] as const;
export type LeakKind = typeof LEAK_KINDS[number];

export interface LeakProbeOptions {
  kind: LeakKind;
  /** Connections that are measured, after as many that are not. */
  count: number;
  identity: KeyPair;
}

export interface Leak {
  kind: LeakKind;
  /** Bytes that a connection leaves on the heap of JavaScript. */
  heap: number;
  /** Bytes that a connection adds to the resident memory. */
  resident: number;
}

/** Somewhere to connect to, in this process. */
interface Place {
  /** Connects, exchanges a few bytes, and closes. */
  visit(): Promise<void>;
}

const path = "/echo.Echo/Say";
const message = Buffer.from("a message");

async function openSockets(): Promise<Place> {
  const server = net.createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  return { visit: () => exchange(net.connect(port, "127.0.0.1")) };
}

async function openTlsSockets({ identity }: LeakProbeOptions): Promise<Place> {
  const options = { cert: identity.certificate, key: identity.key };
  const server = tls.createServer(options, (socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  return {
    visit: () => exchange(tls.connect({ port, host: "127.0.0.1", servername: "localhost", rejectUnauthorized: false })),
  };
}

async function exchange(socket: net.Socket): Promise<void> {
  socket.write(message);
  await once(socket, "data");
  socket.end();
  socket.resume();
  await once(socket, "close");
}

async function openOwnHttp2(): Promise<Place> {
  const { port } = await startEchoServer();
  const call = { path, scheme: "http", authority: "localhost", message, maxResponseBytes: 1024 } as const;
  return {
    async visit() {
      const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      const closed = once(socket, "close");
      const connection = connectOver(socket, {
        role: "client",
        limits,
        onFault(error) {
          throw error;
        },
      });
      await callUnary(connection, call);
      connection.close();
      await closed;
    },
  };
}

async function openGrpcJs(): Promise<Place> {
  const { port } = await startEchoServer();
  const same = (bytes: Buffer) => bytes;
  return {
    async visit() {
      const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
        "grpc.use_local_subchannel_pool": 1,
      });
      await new Promise<void>((resolve, reject) => {
        client.makeUnaryRequest(path, same, same, message, (error) => error ? reject(error) : resolve());
      });
      client.close();
    },
  };
}

const places: Record<LeakKind, (options: LeakProbeOptions) => Promise<Place>> = {
  "TCP": openSockets,
  "TLS": openTlsSockets,
  "HTTP/2 of chatd": openOwnHttp2,
  "grpc-js client": openGrpcJs,
};

const { gc } = globalThis as unknown as { gc(): void };

/** Collects garbage until finalizers of earlier rounds have run too. */
async function settledMemory(): Promise<{ heap: number; resident: number }> {
  for (let round = 0; round < 5; round++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, resident: rss };
}

async function measure(options: LeakProbeOptions): Promise<Leak> {
  const { visit } = await places[options.kind](options);
  const repeat = async (count: number) => {
    for (let visits = 0; visits < count; visits++) await visit();
  };
  await repeat(options.count);
  const before = await settledMemory();
  await repeat(options.count);
  const after = await settledMemory();
  const each = (key: "heap" | "resident") => Math.round((after[key] - before[key]) / options.count);
  return { kind: options.kind, heap: each("heap"), resident: each("resident") };
}

if (import.meta.main) {
  console.log(JSON.stringify(await measure(JSON.parse(process.argv[2]) as LeakProbeOptions)));
  process.exit(0);
}
