import { Buffer } from "node:buffer";
import { type ConnectionOptions, Http2Connection } from "../../../src/grpc/http2/connection.ts";
import type { Octets } from "../../../src/grpc/http2/octets.ts";
import { FrameReader } from "../../../src/grpc/http2/frame_reader.ts";
import { FrameType } from "../../../src/grpc/http2/frames.ts";
import type { Transport } from "../../../src/grpc/http2/outbox.ts";
import { limits, Turns } from "./wire.ts";

/** Octets that count how often they were encoded, and turn into others at the end of their turn. */
export class CountedOctets implements Octets {
  encoded = 0;
  #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  copyTo(target: Uint8Array, at: number): void {
    this.encoded += 1;
    target.set(this.#bytes, at);
  }

  spoil(): void {
    this.#bytes = new Uint8Array(this.#bytes.length).fill(0xff);
  }
}

/** The end of a connection whose transport may be full, and then reads the octets of a write only later. */
export class LatePeer implements Transport {
  readonly connection: Http2Connection;
  readonly turns = new Turns();
  readonly defer = this.turns.defer;
  /** Whether the transport takes octets at once. */
  takes = true;
  error: unknown;
  /** Octets of DATA by stream. */
  readonly received = new Map<number, Uint8Array[]>();
  /** Streams that the connection ended. */
  readonly ended = new Set<number>();
  readonly #alwaysKeeps: boolean;
  readonly #reader = new FrameReader();
  #kept: Uint8Array[] = [];

  /** @param options.alwaysKeeps as a TLS socket */
  constructor({ alwaysKeeps, ...options }: Partial<ConnectionOptions> & { alwaysKeeps: boolean }) {
    this.#alwaysKeeps = alwaysKeeps;
    const onClosed = (error: unknown) => void (this.error = error);
    this.connection = new Http2Connection(this, { role: "server", limits, onClosed, ...options });
  }

  get keepsOctets(): boolean {
    return this.#alwaysKeeps || this.#kept.length > 0;
  }

  write(octets: Uint8Array): boolean {
    if (this.takes && !this.#alwaysKeeps) this.#read(octets);
    else this.#kept.push(octets);
    return this.takes;
  }

  /** Takes everything again. */
  drain(): void {
    this.takes = true;
    const kept = this.#kept;
    this.#kept = [];
    for (const octets of kept) this.#read(octets);
    this.connection.drained();
  }

  bodyOf(stream: number): Uint8Array {
    return Buffer.concat(this.received.get(stream) ?? []);
  }

  end(): void {}
  pause(): void {}
  resume(): void {}

  #read(octets: Uint8Array): void {
    this.#reader.read(octets, ({ type, streamId, flags, payload }) => {
      if (type !== FrameType.data) return;
      const parts = this.received.get(streamId) ?? [];
      this.received.set(streamId, [...parts, new Uint8Array(payload)]);
      if (flags & 1) this.ended.add(streamId);
    });
  }
}
