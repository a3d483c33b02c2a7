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
