import type { ErrorCode } from "./errors.ts";
import { ReceiveWindow, SendWindow } from "./flow_window.ts";
import { frameHeaderBytes } from "./frames.ts";
import type { HeaderList } from "./header_rules.ts";

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

/** A piece of a stream that leaves as one frame. */
export type Piece =
  /** The first {@link frameHeaderBytes} octets of `frame` are free. */
  | { readonly kind: "data"; readonly frame: Uint8Array; readonly isLast: boolean }
  | { readonly kind: "trailers"; readonly block: Uint8Array };

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
  /** Pieces, each with {@link frameHeaderBytes} free octets in front. */
  readonly #queue: Uint8Array[] = [];
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

  /**
   * Queues DATA: the stream owns `frame` from now on, and its first {@link frameHeaderBytes} octets are free for a
   * header.
   */
  write(frame: Uint8Array): void {
    if (this.isClosed || this.#ending) return;
    this.#queue.push(frame);
    this.#queuedBytes += frame.length - frameHeaderBytes;
    this.#host.onQueued();
    this.#host.onReady(this);
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

  /** Takes the next piece to send, with at most `maxBytes` octets of DATA; call it while {@link isReady}. */
  takePiece(maxBytes: number): Piece {
    if (this.#queue.length === 0) {
      return this.#trailers === undefined
        ? { kind: "data", frame: new Uint8Array(frameHeaderBytes), isLast: true }
        : { kind: "trailers", block: this.#trailers };
    }
    const frame = this.#takeData(Math.min(maxBytes, this.sendWindow.size));
    const bytes = frame.length - frameHeaderBytes;
    this.sendWindow.spend(bytes);
    this.#queuedBytes -= bytes;
    this.#sentBytes += bytes;
    if (this.#queue.length === 0 && !this.#ending) this.events.onDrain?.();
    return { kind: "data", frame, isLast: this.#queue.length === 0 && this.#ending && this.#trailers === undefined };
  }

  #takeData(maxBytes: number): Uint8Array {
    const first = this.#queue[0];
    const begin = frameHeaderBytes + this.#sentOfFirst;
    const end = Math.min(begin + maxBytes, first.length);
    if (end === first.length) {
      this.#queue.shift();
      this.#sentOfFirst = 0;
    } else {
      this.#sentOfFirst += maxBytes;
    }
    if (begin === frameHeaderBytes && end === first.length) return first;
    const part = new Uint8Array(frameHeaderBytes + end - begin);
    part.set(first.subarray(begin, end), frameHeaderBytes);
    return part;
  }

  /** Drops the queue. Called by the host, which notifies the owner. */
  close(): void {
    this.isClosed = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }
}
