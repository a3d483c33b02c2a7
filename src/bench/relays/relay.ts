import { SupervisorLink } from "../../host/supervisor/supervisor_link.ts";

/** The libraries and sockets that a relay can be made of. */
export const relayKinds = ["grpc", "socket"] as const;
export type RelayKind = (typeof relayKinds)[number];

/**
 * A server that passes on messages between streams of gRPC, without accounts and without a store. It shows the limit of
 * the way that it is made of.
 *
 * The first message of a stream is its name, and the name of the stream that gets its further messages, with a line feed
 * between them. The relay answers each message with an empty one.
 */
export interface Relay {
  readonly port: number;
  close(): void;
}

/** The method of a relay's streams. */
export const relayPath = "/chatd.bench.Relay/Relay";

/** Encodes the first message of a stream. */
export function encodeNames({ name, to = "" }: { name: string; to?: string }): Uint8Array {
  return new TextEncoder().encode(`${name}\n${to}`);
}

/** Decodes the first message of a stream. */
export function decodeNames(bytes: Uint8Array): [name: string, to: string] {
  const [name, to = ""] = new TextDecoder().decode(bytes).split("\n");
  return [name, to];
}

/** Starts a relay on 127.0.0.1. @throws {ChatError} `unavailable` when it cannot listen */
export async function startRelay(kind: RelayKind, options: { port: number }): Promise<Relay> {
  if (kind === "socket") return await (await import("./socket_relay.ts")).startSocketRelay(options);
  return await (await import("./grpc_relay.ts")).startGrpcRelay(options);
}

/** Runs a relay until the bench stops it: the process of `chatd bench --relay`. */
export async function runRelay(kind: RelayKind): Promise<void> {
  using link = new SupervisorLink();
  const relay = await startRelay(kind, await link.listen());
  link.listening(relay.port);
  // The process ends with its connections: Deno 2.9.6 can crash when a server of `node:http2` closes them.
  await link.stop;
}
