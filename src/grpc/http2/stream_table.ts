import { ErrorCode, StreamError } from "./errors.ts";
import { initialWindow, ReceiveWindow } from "./flow_window.ts";
import type { FrameBudget } from "./frame_budget.ts";
import { encodeNumberFrame, FrameType } from "./frames.ts";
import type { HeaderList } from "./header_rules.ts";
import type { Data } from "./octets.ts";
import type { FrameSource, Outbox } from "./outbox.ts";
import type { PeerSettings } from "./peer_settings.ts";
import { Http2Stream, type StreamHost } from "./stream.ts";
import { StreamIds } from "./stream_ids.ts";
import { type SenderHost, StreamSender } from "./stream_sender.ts";

export interface StreamTableOptions {
  readonly role: "server" | "client";
  /** Window of each stream from the peer, in octets. */
  readonly streamWindow: number;
  readonly settings: PeerSettings;
  readonly outbox: Outbox;
  readonly budget: FrameBudget;
  /** Called when a stream was closed. */
  onClosed(): void;
  /** Called when a stream queued octets. */
  onQueued(): void;
}

/** The open streams of a connection, which share its windows (RFC 9113, section 5). */
export class StreamTable implements FrameSource, SenderHost, StreamHost {
  readonly ids: StreamIds;
  readonly sender = new StreamSender(this);
  /** Octets of DATA that the peer may send over the connection. */
  readonly receiveWindow = new ReceiveWindow(initialWindow);
  readonly #options: StreamTableOptions;
  readonly #open = new Map<number, Http2Stream>();
  #peerHasEnded = false;

  constructor(options: StreamTableOptions) {
    this.#options = options;
    this.ids = new StreamIds(options.role);
  }

  /** Streams that are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Octets of memory that answers hold until the peer takes them. */
  get heldBytes(): number {
    let bytes = 0;
    for (const stream of this.#open.values()) bytes += stream.heldBytes;
    return bytes;
  }

  /** Size of the fields of the open requests, in octets. */
  get fieldBytes(): number {
    let bytes = 0;
    for (const stream of this.#open.values()) bytes += stream.fieldBytes;
    return bytes;
  }

  get(id: number): Http2Stream | undefined {
    return this.#open.get(id);
  }

  /** Lists the open streams; the caller may close them during iteration. */
  list(): Http2Stream[] {
    return [...this.#open.values()];
  }

  open(id: number): Http2Stream {
    const { settings, streamWindow } = this.#options;
    const stream = new Http2Stream(this, { id, sendWindow: settings.initialWindow, receiveWindow: streamWindow });
    this.#open.set(id, stream);
    return stream;
  }

  /** Closes and forgets a stream; octets that its owner did not use return to the window of the connection. */
  close(stream: Http2Stream, code: ErrorCode | undefined): void {
    if (!this.#open.delete(stream.id)) return;
    this.sender.delete(stream);
    this.giveBack(stream.unreleased);
    stream.close();
    stream.events.onClose(code);
    this.#options.onClosed();
  }

  /** Closes and forgets all streams. @returns the streams, whose owners the caller must notify */
  clear(): Http2Stream[] {
    const streams = this.list();
    this.#open.clear();
    this.sender.clear();
    for (const stream of streams) stream.close();
    return streams;
  }

  /** Resets the stream with this number, whether it is open or not. */
  resetId(id: number, code: ErrorCode): void {
    const stream = this.#open.get(id);
    if (stream === undefined) this.#options.outbox.send(this.#resetFrame(id, code, this.#options.streamWindow));
    else this.reset(stream, code);
  }

  reset(stream: Http2Stream, code: ErrorCode): void {
    this.#options.outbox.send(this.#resetFrame(stream.id, code, stream.receiveWindow.size));
    this.close(stream, code);
  }

  /**
   * Ends the peer's side of a stream.
   * @throws {StreamError} PROTOCOL_ERROR for a shorter body than content-length says
   */
  endRemotely(stream: Http2Stream, trailers?: HeaderList): void {
    if ((stream.announcedBytes ?? 0) !== 0) {
      throw new StreamError(stream.id, ErrorCode.protocolError, "The body is shorter than content-length says.");
    }
    stream.remoteEnded = true;
    stream.events.onEnd(trailers);
    if (stream.localEnded && !stream.isClosed) this.close(stream, undefined);
  }

  /**
   * Ends unfinished requests, because the peer sends no more octets, and answers that do not fit into the windows it
   * left.
   */
  endPeer(): void {
    this.#peerHasEnded = true;
    for (const stream of this.list()) {
      if (!stream.remoteEnded) this.close(stream, ErrorCode.cancel);
    }
    this.#options.outbox.schedule();
  }

  /** Adds to the send windows of the open streams. @returns false when one would be too large */
  growSendWindows(bytes: number): boolean {
    for (const stream of this.#open.values()) {
      if (!stream.sendWindow.grow(bytes)) return false;
      this.onReady(stream);
    }
    return true;
  }

  addNextFrame(): boolean {
    const isAdded = this.sender.addNextFrame();
    if (!isAdded && this.#peerHasEnded) this.#resetStuckStreams();
    return isAdded;
  }

  hold(): void {
    this.sender.hold();
  }

  addFrame(frame: Uint8Array): void {
    this.#options.outbox.add(frame);
  }

  addData(data: Data, header: { streamId: number; flags: number }): void {
    this.#options.outbox.addData(data, header);
  }

  onDataSent(): void {
    this.#options.budget.earn();
  }

  sendHeaders({ id }: Http2Stream, block: Uint8Array, flags = 0): void {
    this.#options.outbox.send(this.sender.headersFrame(id, { block, flags }));
  }

  onQueued(): void {
    this.#options.onQueued();
  }

  onReady(stream: Http2Stream): void {
    const { isReady } = stream;
    if (isReady) this.sender.add(stream);
    if (isReady || this.#peerHasEnded) this.#options.outbox.schedule();
  }

  release(stream: Http2Stream, bytes: number): void {
    stream.unreleased -= bytes;
    if (!stream.remoteEnded) this.#updateWindow(stream.id, stream.receiveWindow.release(bytes));
    this.giveBack(bytes);
  }

  /** Allows the peer to send this many more octets of DATA over the connection. */
  giveBack(bytes: number): void {
    this.#updateWindow(0, this.receiveWindow.release(bytes));
  }

  /** Enlarges the receive window of the connection, if it is smaller than `bytes`. */
  enlargeWindow(bytes: number): void {
    this.#updateWindow(0, this.receiveWindow.enlarge(bytes));
  }

  #updateWindow(streamId: number, growth: number): void {
    if (growth > 0) this.#options.outbox.send(encodeNumberFrame(FrameType.windowUpdate, { streamId, value: growth }));
  }

  /** Ends this side of a stream; a server does not wait for the rest of the request (RFC 9113, section 8.1). */
  onLocalEnd(stream: Http2Stream): void {
    stream.localEnded = true;
    if (!stream.remoteEnded) {
      if (this.#options.role === "client") return;
      this.#options.outbox.add(this.#resetFrame(stream.id, ErrorCode.noError, stream.receiveWindow.size));
    }
    this.close(stream, undefined);
  }

  #resetStuckStreams(): void {
    for (const stream of this.list()) {
      if (stream.queuedBytes > 0) this.reset(stream, ErrorCode.cancel);
    }
  }

  #resetFrame(streamId: number, code: ErrorCode, window: number): Uint8Array {
    this.ids.rememberReset(streamId, window);
    return encodeNumberFrame(FrameType.rstStream, { streamId, value: code });
  }
}
