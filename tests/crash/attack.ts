/** An attack on the port of a gRPC server, and the steps that many attacks share. */
import { Buffer } from "node:buffer";
import { data, grpcMessage, headers, PREFACE, requestHeaders, settings, SETTINGS_ACK } from "./http2_frames.ts";
import type { SeededRandom } from "./seeded_random.ts";
import { openWire, type Target, type Wire } from "./target.ts";

export interface Attack {
  name: string;
  /** One shot. May throw when the victim refuses: what counts is only whether it lives afterwards. */
  run(target: Target, random: SeededRandom): Promise<void>;
  /** Left out on transports where it makes no sense. */
  applies?(target: Target): boolean;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

export const LARGEST_ID = 0x7fffffff;

export function close(wire: Wire, random: SeededRandom) {
  if (random.next() < 0.5) wire.finish();
  else wire.reset();
}

export function greeting(...entries: [number, number][]): Buffer {
  return Buffer.concat([PREFACE, settings(entries)]);
}

/** An open bidirectional stream: headers and the opening messages. */
export function streamStart(target: Target, id: number): Buffer {
  const messages = target.streamOpening.map((message) => data(id, grpcMessage(message)));
  return Buffer.concat([headers(id, requestHeaders(target.streamPath)), ...messages]);
}

/** Writes pieces either in one segment or one by one with short pauses: both orders of arrival matter. */
export async function deliver(wire: Wire, pieces: readonly Uint8Array[], random: SeededRandom) {
  if (random.next() < 0.5) return await wire.write(Buffer.concat(pieces));
  for (const piece of pieces) {
    await wire.write(piece);
    if (random.next() < 0.4) await pause(random.integer(0, 12));
  }
}

/** Opens a wire, says hello, starts streams that the server writes into, and waits for its first bytes. */
export async function openStreams(target: Target, random: SeededRandom, count: number): Promise<Wire> {
  const wire = await openWire(target);
  const ids = Array.from({ length: count }, (_, index) => index * 2 + 1);
  await wire.write(Buffer.concat([
    greeting([4, random.pick([0, 1, 1000, 65535, 1 << 20])]),
    SETTINGS_ACK,
    ...ids.map((id) => streamStart(target, id)),
  ]));
  await wire.firstBytes(300);
  return wire;
}
