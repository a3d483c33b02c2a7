import { ErrorCode } from "./errors.ts";
import { encodeFrame, encodeGoaway, FrameType } from "./frames.ts";
import type { Outbox, Transport } from "./outbox.ts";
import type { StreamTable } from "./stream_table.ts";

/** Octets of the PING that measures whether the peer has read the first GOAWAY. */
const drainPing = Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1);

export interface ShutdownOptions {
  readonly transport: Transport;
  readonly outbox: Outbox;
  readonly streams: StreamTable;
  /** Called when the last stream has ended and its last frame is written. */
  onDone(): void;
}

/** The orderly end of a connection, which either side can begin (RFC 9113, section 6.8). */
export class Shutdown {
  readonly #options: ShutdownOptions;
  #isAnnounced = false;
  #isFinal = false;
  #peerGoesAway = false;

  constructor(options: ShutdownOptions) {
    this.#options = options;
  }

  /** Whether the peer accepts no further streams. */
  get peerGoesAway(): boolean {
    return this.#peerGoesAway;
  }

  /**
   * Announces the end with a GOAWAY that names no stream; streams that are under way are still accepted. Idempotent.
   */
  announce(): void {
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    const { outbox } = this.#options;
    outbox.send(encodeGoaway({ lastStreamId: 2 ** 31 - 1, code: ErrorCode.noError }));
    outbox.send(encodeFrame(FrameType.ping, { payload: drainPing }));
  }

  /**
   * Handles the answer to a PING.
   * @returns whether it was the PING of this shutdown; further streams are refused then
   */
  takePong(payload: Uint8Array): boolean {
    if (!this.#isAnnounced || this.#isFinal || !payload.every((octet, at) => octet === drainPing[at])) return false;
    this.#isFinal = true;
    const { outbox, streams } = this.#options;
    streams.ids.stopTaking();
    outbox.send(encodeGoaway({ lastStreamId: streams.ids.lastProcessed, code: ErrorCode.noError }));
    this.endWhenIdle();
    return true;
  }

  /** Handles the shutdown by the peer: the connection ends with its last stream. */
  onPeerGoesAway(): void {
    this.#peerGoesAway = true;
    this.endWhenIdle();
  }

  /** Ends a connection without streams that accepts no further ones, after the frames of this turn are written. */
  endWhenIdle(): void {
    if (this.#isDone) this.#options.transport.defer(() => this.#isDone && this.#options.onDone());
  }

  get #isDone(): boolean {
    return this.#options.streams.size === 0 && (this.#peerGoesAway || this.#isFinal);
  }
}
