import type { ErrorCode } from "./errors.ts";
import { ReceiveWindow, SendWindow } from "./flow_window.ts";
import { minMaxFrameBytes } from "./frames.ts";
import type { HeaderList } from "./header_rules.ts";
import { type Data, toBytes } from "./octets.ts";

/** Events of a stream, for its owner. A handler must not throw, whatever the peer sent. */
export interface StreamEvents {
  /** Called once when the response began, on a client's stream. */
  onResponse?(response: HeaderList): void;
  /**
   * Called with DATA, which is valid during the call. The owner returns the octets with {@link Http2Stream.release}.
   */
  onData(bytes: Uint8Array): void;
  /** Called when the peer's side ended. */
  onEnd(trailers: HeaderList | undefined): void;
  /** Called when all written DATA has left. */
  onDrain?(): void;
  /**
   * The last event: with a code when the stream or its connection was cancelled, without one when both sides had ended.
   */
  onClose(code: ErrorCode | undefined): void;
}

/** The part of a connection that its streams use. */
export interface StreamHost {
  sendHeaders(stream: Http2Stream, block: Uint8Array): void;
  /** Called when the stream queued octets. */
  onQueued(): void;
  /** Called when the stream may have DATA or its end to send. */
  onReady(stream: Http2Stream): void;
  reset(stream: Http2Stream, code: ErrorCode): void;
  /** Called when the owner of the stream has used octets of DATA. */
  release(stream: Http2Stream, bytes: number): void;
}

/** Shared by all streams without queued DATA, and never written to. */
const none: Data[] = [];

/** Memory of a queued piece beyond its octets, in octets: a typed array, its buffer and its place in the queue. */
const pieceOverhead = 256;

/** One stream (RFC 9113, section 5.1), of either role. Queues DATA until the peer's windows allow it to leave. */
export class Http2Stream {
  readonly id: number;
  readonly sendWindow: SendWindow;
  readonly receiveWindow: ReceiveWindow;
  /** Set before the first event. */
  events!: StreamEvents;
  /** Whether the peer's side has ended. */
  remoteEnded = false;
  /** Whether this side has ended. */
  localEnded = false;
  /** Whether neither side sends any more. */
  isClosed = false;
  /** Whether the response has begun, on a client's stream. */
  hasResponse = false;
  /** Size of the request's fields that the owner may hold, in octets. */
  fieldBytes = 0;
  /** Octets of the body still expected by content-length; undefined without one. */
  announcedBytes: number | undefined;
  /** Received octets of DATA that are not returned yet. */
  unreleased = 0;
  readonly #host: StreamHost;
  /** Only the first piece may be one that is encoded later, and only until the end of its turn: see {@link hold}. */
  #queue = none;
  /** Octets of the first piece that were sent. */
  #sentOfFirst = 0;
  #queuedBytes = 0;
  #sentBytes = 0;
  #ending = false;
  #trailers: Uint8Array | undefined;

  constructor(
    host: StreamHost,
    { id, sendWindow, receiveWindow }: { id: number; sendWindow: number; receiveWindow: number },
  ) {
    this.id = id;
    this.#host = host;
    this.sendWindow = new SendWindow(sendWindow);
    this.receiveWindow = new ReceiveWindow(receiveWindow);
  }

  /** Octets of queued DATA. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Octets of sent DATA, all of which fitted into the peer's windows. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Octets of memory that the queue holds. */
  get heldBytes(): number {
    return this.#queuedBytes + this.#queue.length * pieceOverhead;
  }

  /** The header block that ends this side, if there is one. */
  get trailers(): Uint8Array | undefined {
    return this.#trailers;
  }

  /** Whether DATA is queued. */
  get hasData(): boolean {
    return this.#queue.length > 0;
  }

  /** Whether there is a piece to send that the window of the stream allows. */
  get isReady(): boolean {
    if (this.isClosed || this.localEnded) return false;
    return this.#queue.length > 0 ? this.sendWindow.size > 0 : this.#ending;
  }

  /**
   * Sends the headers of a response, interim or final.
   * @param block an encoded header block of fewer than 16,384 octets
   */
  sendHeaders(block: Uint8Array): void {
    if (!this.isClosed) this.#host.sendHeaders(this, block);
  }

  /** Queues DATA, which the stream owns from now on. */
  write(data: Data): void {
    if (this.isClosed || this.#ending) return;
    this.#queuedBytes += data.length;
    if (this.#queue.length > 0) {
      this.#queue.push(toBytes(data));
      this.#host.onQueued();
    } else {
      this.#queue = [data];
      if (data.length > Math.min(this.sendWindow.size, minMaxFrameBytes)) {
        this.hold();
        this.#host.onQueued();
      }
    }
    this.#host.onReady(this);
  }

  /**
   * Encodes the first piece, because it does not leave in this turn or not in one frame: its octets may refer to memory
   * of others.
   */
  hold(): void {
    if (this.#queue.length > 0) this.#queue[0] = toBytes(this.#queue[0]);
  }

  /** Ends this side after the queued DATA. @param trailers an encoded header block of fewer than 16,384 octets */
  end(trailers?: Uint8Array): void {
    if (this.isClosed || this.#ending) return;
    this.#ending = true;
    this.#trailers = trailers;
    this.#host.onReady(this);
  }

  /** Resets the stream. */
  reset(code: ErrorCode): void {
    if (!this.isClosed) this.#host.reset(this, code);
  }

  /** Allows the peer to send this many more octets of DATA. */
  release(bytes: number): void {
    if (!this.isClosed) this.#host.release(this, bytes);
  }

  /** Whether the last octets were taken, and the side ends with them. */
  get endsWithData(): boolean {
    return this.#ending && this.#queue.length === 0 && this.#trailers === undefined;
  }

  /** Takes the next octets of DATA, at most `maxBytes`. */
  takeData(maxBytes: number): Data {
    const left = this.#queue[0].length - this.#sentOfFirst;
    const bytes = Math.min(maxBytes, this.sendWindow.size, left);
    const data = this.#view(bytes);
    if (bytes < left) this.#sentOfFirst += bytes;
    else this.#removeFirst();
    this.sendWindow.spend(bytes);
    this.#queuedBytes -= bytes;
    this.#sentBytes += bytes;
    if (this.#queue.length === 0 && !this.#ending) this.events.onDrain?.();
    return data;
  }

  /** Returns the next octets of the first piece. */
  #view(bytes: number): Data {
    const first = this.#queue[0];
    if (bytes === first.length) return first;
    const whole = this.#queue[0] = toBytes(first);
    return whole.subarray(this.#sentOfFirst, this.#sentOfFirst + bytes);
  }

  #removeFirst(): void {
    this.#sentOfFirst = 0;
    if (this.#queue.length === 1) this.#queue = none;
    else this.#queue.shift();
  }

  /** Drops the queue. Called by the host, which notifies the owner. */
  close(): void {
    this.isClosed = true;
    this.#queue = none;
    this.#queuedBytes = 0;
  }
}
