import { SupervisorLink } from "../../host/supervisor/supervisor_link.ts";
import type { Relay } from "./relay.ts";

/** The libraries and sockets that a relay can be made of. */
export const relayKinds = ["grpc", "socket"] as const;
export type RelayKind = (typeof relayKinds)[number];

/** Starts a relay on 127.0.0.1. @throws {ChatError} `unavailable` when it cannot listen */
export async function startRelay(kind: RelayKind, options: { port: number }): Promise<Relay> {
  if (kind === "socket") return await (await import("./socket_relay.ts")).startSocketRelay(options);
  return await (await import("./grpc_relay.ts")).startGrpcRelay(options);
}

/** Runs a relay until the bench stops it: the process of `chatd bench --relay`. */
export async function runRelay(kind: RelayKind): Promise<void> {
  using link = new SupervisorLink();
  const relay = await startRelay(kind, await link.listen());
  link.listening({ port: relay.port, isStandby: false });
  // The process ends with its connections: Deno 2.9.6 can crash when a server of `node:http2` closes them.
  await link.stop;
}
