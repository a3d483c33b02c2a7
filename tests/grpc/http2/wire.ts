import { Buffer } from "node:buffer";
import { type ConnectionOptions, Http2Connection } from "../../../src/grpc/http2/connection.ts";
import type { ConnectionLimits } from "../../../src/grpc/http2/connection_limits.ts";
import { FrameReader } from "../../../src/grpc/http2/frame_reader.ts";
import { clientPreface, type Frame } from "../../../src/grpc/http2/frames.ts";
import { HeaderDecoder } from "../../../src/grpc/http2/header_decoder.ts";
import type { Transport } from "../../../src/grpc/http2/outbox.ts";

export const limits: ConnectionLimits = {
  maxStreams: 4,
  streamWindow: 65_535,
  connectionWindow: 65_535,
  maxHeaderListBytes: 16_384,
};

/** Callbacks that wait for the end of a turn, run by hand. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  readonly defer = (callback: () => void) => void this.#waiting.push(callback);

  run(): void {
    for (let next; (next = this.#waiting.shift()) !== undefined;) next();
  }
}

/** A connection whose peer is a test that writes and reads frames. */
export class RawPeer {
  readonly connection: Http2Connection;
  readonly turns = new Turns();
  /** The transport was closed. */
  isEnded = false;
  isPaused = false;
  /** What the transport answers to a write. */
  takesMore = true;
  error: unknown;
  #received: Buffer = Buffer.alloc(0);
  readonly #reader: FrameReader;
  readonly #headers = new HeaderDecoder({ maxTableSize: 4096, maxListSize: 100_000 });

  constructor(options: Partial<ConnectionOptions> = {}) {
    this.#reader = new FrameReader(options.role === "client" ? clientPreface : undefined);
    const transport: Transport = {
      keepsOctets: false,
      write: (bytes) => {
        this.#received = Buffer.concat([this.#received, bytes]);
        return this.takesMore;
      },
      end: () => void (this.isEnded = true),
      pause: () => void (this.isPaused = true),
      resume: () => void (this.isPaused = false),
      defer: this.turns.defer,
    };
    const onClosed = (error: unknown) => void (this.error = error);
    this.connection = new Http2Connection(transport, { role: "server", limits, onClosed, ...options });
  }

  /** Sends octets, runs the turn, and returns the frames that came meanwhile. */
  exchange(...octets: Uint8Array[]): Frame[] {
    if (octets.length > 0) this.connection.receive(Buffer.concat(octets));
    this.turns.run();
    const frames: Frame[] = [];
    this.#reader.read(this.#received, (frame) => frames.push({ ...frame, payload: frame.payload.slice() }));
    this.#received = Buffer.alloc(0);
    return frames;
  }

  /** Decodes the block of a HEADERS frame; each one in its order. */
  fieldsOf({ payload }: Frame): Record<string, string> {
    return Object.fromEntries(this.#headers.decode(payload)!.map(({ name, value }) => [name, value]));
  }
}

/** A client and a server that are connected; run {@link Turns.run} to carry their octets. */
export function connectedPair(options: { onRequest: ConnectionOptions["onRequest"]; limits?: ConnectionLimits }) {
  const turns = new Turns();
  const open = (role: "client" | "server", peer: () => Http2Connection): Http2Connection => {
    const transport: Transport = {
      keepsOctets: false,
      write: (bytes) => {
        const copy = new Uint8Array(bytes);
        turns.defer(() => peer().receive(copy));
        return true;
      },
      end: () => turns.defer(() => peer().peerEnded()),
      pause: () => {},
      resume: () => {},
      defer: turns.defer,
    };
    const onRequest = role === "server" ? options.onRequest : undefined;
    return new Http2Connection(transport, { role, limits: options.limits ?? limits, onRequest });
  };
  const client: Http2Connection = open("client", () => server);
  const server: Http2Connection = open("server", () => client);
  return { client, server, turns };
}
