import type { ConnectionEvents } from "./connection_events.ts";
import { type ConnectionLimits, defaultQueuedBytes } from "./connection_limits.ts";
import { ConnectionError, ErrorCode } from "./errors.ts";
import { FrameBudget } from "./frame_budget.ts";
import type { FrameContext } from "./frame_context.ts";
import { receiveFrame } from "./frame_handlers.ts";
import { FrameReader } from "./frame_reader.ts";
import { clientPreface, encodeFrame, encodeGoaway, encodeSettings, type Frame, FrameType, Setting } from "./frames.ts";
import { HeaderAssembly } from "./header_assembly.ts";
import { HeaderDecoder } from "./header_decoder.ts";
import { Outbox, type Transport } from "./outbox.ts";
import { PeerSettings } from "./peer_settings.ts";
import { Shutdown } from "./shutdown.ts";
import type { Http2Stream, StreamEvents } from "./stream.ts";
import { StreamTable } from "./stream_table.ts";

export interface ConnectionOptions extends ConnectionEvents {
  readonly role: "server" | "client";
  readonly limits: ConnectionLimits;
}

/** Size of the decoder's table, in octets: the initial one of RFC 9113, section 6.5.2. */
const headerTableBytes = 4096;

/**
 * One HTTP/2 connection, of either role (RFC 9113). Receives octets through {@link receive} and sends them over a
 * {@link Transport}; it does not know sockets, timers and gRPC. A peer that breaks the protocol ends its stream or its
 * connection, and nothing else.
 */
export class Http2Connection {
  readonly #transport: Transport;
  readonly #events: ConnectionEvents;
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  readonly #streams: StreamTable;
  readonly #context: FrameContext;
  #maxQueuedBytes: number;
  #onPong: (() => void) | undefined;
  #isClosed = false;

  constructor(transport: Transport, options: ConnectionOptions) {
    const { role, limits } = options;
    this.#transport = transport;
    this.#events = options;
    this.#maxQueuedBytes = limits.maxQueuedBytes ?? defaultQueuedBytes;
    this.#reader = new FrameReader(role === "server" ? clientPreface : undefined);
    const outbox = this.#outbox = new Outbox(transport);
    const budget = new FrameBudget();
    const settings = new PeerSettings();
    const streams = this.#streams = new StreamTable({
      role,
      streamWindow: limits.streamWindow,
      settings,
      budget,
      outbox,
      onClosed: () => this.#context.shutdown.endWhenIdle(),
      onQueued: () => this.#boundQueue(),
    });
    outbox.source = streams;
    this.#context = {
      role,
      limits,
      assembly: new HeaderAssembly(),
      decoder: new HeaderDecoder({ maxTableSize: headerTableBytes, maxListSize: limits.maxHeaderListBytes }),
      budget,
      settings,
      streams,
      outbox,
      shutdown: new Shutdown({ transport, outbox, streams, onDone: () => this.#close(ErrorCode.noError) }),
      events: options,
      onPong: () => this.#takePong(),
    };
    this.#sendPreface();
  }

  /** Streams that are open. */
  get streams(): number {
    return this.#streams.size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the peer has sent SETTINGS, which proves that it speaks HTTP/2. */
  get hasPeerSettings(): boolean {
    return this.#context.settings.wereReceived;
  }

  /** Octets of memory that answers hold until the peer takes them. */
  get heldBytes(): number {
    return this.#streams.heldBytes;
  }

  /** Whether a client may make a request now. */
  get takesRequests(): boolean {
    const { settings, shutdown } = this.#context;
    return !this.#isClosed && !shutdown.peerGoesAway && this.streams < settings.maxConcurrentStreams &&
      this.#streams.ids.hasLocal;
  }

  /** Takes octets from the peer. */
  receive(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    try {
      this.#reader.read(chunk, (frame) => this.#receiveFrame(frame));
    } catch (error) {
      if (!(error instanceof ConnectionError)) {
        this.#close(ErrorCode.internalError);
        throw error;
      }
      this.#fail(error);
    }
  }

  /** Continues sending when the transport accepts more octets. */
  drained(): void {
    if (!this.#isClosed) this.#outbox.drained();
  }

  /**
   * Handles the end of the peer's octets: whole requests are answered as far as the peer's windows allow, other streams
   * end.
   */
  peerEnded(): void {
    this.#streams.endPeer();
    this.#context.shutdown.onPeerGoesAway();
  }

  /** Closes the connection because the transport is gone. Idempotent. */
  lost(): void {
    this.#close(ErrorCode.cancel);
  }

  /** Enlarges the receive window of the connection, if it is smaller than `bytes`. */
  enlargeWindow(bytes: number): void {
    this.#streams.enlargeWindow(bytes);
  }

  /** Enlarges the bound of queued answers, if it is smaller than `bytes`. */
  enlargeQueue(bytes: number): void {
    this.#maxQueuedBytes = Math.max(this.#maxQueuedBytes, bytes);
  }

  /** Sends a PING, one at a time; calls `onPong` when it is answered (RFC 9113, section 6.7). */
  ping(onPong: () => void): void {
    this.#onPong = onPong;
    this.#outbox.send(encodeFrame(FrameType.ping, { payload: new Uint8Array(8) }));
  }

  /**
   * Shuts down in order: accepts streams that are under way, and closes after the last one (RFC 9113, section 6.8).
   * Idempotent.
   */
  drain(): void {
    if (!this.#isClosed) this.#context.shutdown.announce();
  }

  /** Closes at once: cancels streams, and tells the peer that there was no error. Idempotent. */
  close(): void {
    this.#goAway(ErrorCode.noError);
    this.#close(ErrorCode.cancel);
  }

  /**
   * Begins a request of a client; check {@link takesRequests} first.
   * @param block an encoded header block of fewer than 16,384 octets
   */
  request(block: Uint8Array, events: StreamEvents): Http2Stream {
    if (!this.takesRequests) throw new TypeError("This connection takes no request.");
    const stream = this.#streams.open(this.#streams.ids.takeLocal());
    stream.events = events;
    stream.sendHeaders(block);
    return stream;
  }

  #receiveFrame(frame: Frame): void {
    if (!this.#isClosed) receiveFrame(this.#context, frame);
  }

  #sendPreface(): void {
    const { role, limits } = this.#context;
    if (role === "client") this.#outbox.send(clientPreface);
    this.#outbox.send(encodeSettings([
      role === "server" ? [Setting.maxConcurrentStreams, limits.maxStreams] : [Setting.enablePush, 0],
      [Setting.initialWindowSize, limits.streamWindow],
      [Setting.maxHeaderListSize, limits.maxHeaderListBytes],
    ]));
    this.enlargeWindow(limits.connectionWindow);
  }

  #takePong(): void {
    const onPong = this.#onPong;
    this.#onPong = undefined;
    onPong?.();
  }

  /**
   * Closes a connection whose peer takes its answers too slowly. Called within a write, so owners are notified after
   * this turn.
   */
  #boundQueue(): void {
    if (this.heldBytes <= this.#maxQueuedBytes) return;
    const error = new ConnectionError(ErrorCode.enhanceYourCalm, "The peer takes its answers too slowly.");
    this.#goAway(error.code, error.message);
    this.#close(error.code, { error, notify: (callback) => this.#transport.defer(callback) });
  }

  #fail(error: ConnectionError): void {
    this.#goAway(error.code, error.message);
    this.#close(error.code, { error });
  }

  #goAway(code: ErrorCode, debug?: string): void {
    if (this.#isClosed) return;
    this.#outbox.send(encodeGoaway({ lastStreamId: this.#streams.ids.lastProcessed, code, debug }));
  }

  #close(
    code: ErrorCode,
    { error, notify = (callback) => callback() }: { error?: ConnectionError; notify?: Transport["defer"] } = {},
  ): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const streams = this.#streams.clear();
    this.#outbox.end();
    notify(() => {
      for (const stream of streams) stream.events.onClose(code);
      this.#events.onClosed?.(error);
    });
  }
}
