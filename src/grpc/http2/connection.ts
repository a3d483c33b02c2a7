import { ConnectionError, ErrorCode, StreamError } from "./errors.ts";
import { initialWindow, ReceiveWindow } from "./flow_window.ts";
import { FrameBudget } from "./frame_budget.ts";
import { FrameReader } from "./frame_reader.ts";
import {
  clientPreface,
  encodeFrame,
  encodeGoaway,
  encodeNumberFrame,
  encodeSettings,
  Flag,
  type Frame,
  FrameType,
  readUint31,
  readUint32,
  Setting,
  withoutPadding,
} from "./frames.ts";
import { HeaderAssembly, type HeaderBlock } from "./header_assembly.ts";
import { HeaderDecoder } from "./header_decoder.ts";
import { encodeHeaders } from "./header_encoder.ts";
import { type HeaderList, parseRequestFields, parseResponseFields, parseTrailers, valueOf } from "./header_rules.ts";
import { Outbox, type Transport } from "./outbox.ts";
import { PeerSettings } from "./peer_settings.ts";
import { StreamSender } from "./stream_sender.ts";
import { Http2Stream, type StreamEvents, type StreamHost } from "./stream.ts";

export interface ConnectionLimits {
  /** Streams that the peer may have open at once. */
  readonly maxStreams: number;
  /** Window of each stream from the peer, in octets; at least 65,535. */
  readonly streamWindow: number;
  /** Window of the connection from the peer at first, in octets; at least 65,535. */
  readonly connectionWindow: number;
  /** Size of the fields of one header list, in octets as RFC 9113, section 6.5.2 counts them. */
  readonly maxHeaderListBytes: number;
}

export interface ConnectionOptions {
  readonly role: "server" | "client";
  readonly transport: Transport;
  readonly limits: ConnectionLimits;
  /** Calls back at the end of this turn of the event loop, or soon after: the frames of a turn leave together. */
  defer(callback: () => void): void;
  /** A request came: its owner sets `stream.events` before it returns. Of a server. */
  onRequest?(stream: Http2Stream, request: HeaderList): void;
  /** The connection takes no frames any more; with an error that the peer caused, if it did. Once. */
  onClosed?(error: ConnectionError | undefined): void;
}

/** Size of the decoder's table: that of RFC 9113 when nothing is said. */
const headerTableBytes = 4096;
/** Streams that were reset here, and of which frames may still be on their way. */
const rememberedResets = 128;

const tooManyFields = encodeHeaders([[":status", "431"]]);

/**
 * One HTTP/2 connection, of either role, over octets that come by {@link receive} and leave over a {@link Transport} (RFC 9113). It does
 * not know sockets, timers and gRPC. A peer that breaks the protocol ends its stream or its connection, and nothing else.
 */
export class Http2Connection implements StreamHost {
  readonly #options: ConnectionOptions;
  readonly #reader: FrameReader;
  readonly #decoder: HeaderDecoder;
  readonly #assembly = new HeaderAssembly();
  readonly #budget = new FrameBudget();
  readonly #peer = new PeerSettings();
  readonly #outbox: Outbox;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #sender: StreamSender;
  readonly #receiveWindow = new ReceiveWindow(initialWindow);
  readonly #resetHere: number[] = [];
  #heardSettings = false;
  #lastRemoteId = 0;
  #nextLocalId = 1;
  /** Streams of the peer beyond this one are not taken. */
  #lastTaken = Infinity;
  #peerGoesAway = false;
  #drainPing: Uint8Array | undefined;
  #onPong: (() => void) | undefined;
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    const { role, limits, transport, defer } = options;
    this.#options = options;
    this.#reader = new FrameReader(role === "server" ? clientPreface : undefined);
    this.#decoder = new HeaderDecoder({ maxTableSize: headerTableBytes, maxListSize: limits.maxHeaderListBytes });
    this.#sender = new StreamSender({
      onLocalEnd: (stream) => this.#onLocalEnd(stream),
      onDataSent: () => this.#budget.earn(),
    });
    this.#outbox = new Outbox({ transport, defer, nextFrame: () => this.#sender.nextFrame() });
    if (role === "client") this.#outbox.send(clientPreface);
    this.#outbox.send(encodeSettings([
      role === "server" ? [Setting.maxConcurrentStreams, limits.maxStreams] : [Setting.enablePush, 0],
      [Setting.initialWindowSize, limits.streamWindow],
      [Setting.maxHeaderListSize, limits.maxHeaderListBytes],
    ]));
    this.enlargeWindow(limits.connectionWindow);
  }

  /** Streams that are open. */
  get streams(): number {
    return this.#streams.size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** A client may make a request now. */
  get takesRequests(): boolean {
    return !this.#isClosed && !this.#peerGoesAway && this.#streams.size < this.#peer.maxConcurrentStreams &&
      this.#nextLocalId < 2 ** 31;
  }

  /** Takes octets from the peer. */
  receive(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    try {
      this.#reader.read(chunk, this.#onFrame);
    } catch (error) {
      if (!(error instanceof ConnectionError)) {
        this.#close(ErrorCode.internalError);
        throw error;
      }
      this.#fail(error);
    }
  }

  /** The transport takes more octets. */
  drained(): void {
    if (!this.#isClosed) this.#outbox.drained();
  }

  /** The peer sends no more octets: streams whose request is whole are answered, the others end. */
  peerEnded(): void {
    for (const stream of [...this.#streams.values()]) {
      if (!stream.remoteEnded) this.#closeStream(stream, ErrorCode.cancel);
    }
    this.#peerGoesAway = true;
    this.#endWhenIdle();
  }

  /** The transport is gone, in whatever way. Idempotent. */
  lost(): void {
    this.#close(ErrorCode.cancel);
  }

  /** Makes the window of the connection larger, when it is smaller than `bytes`. */
  enlargeWindow(bytes: number): void {
    this.#tellWindow(0, this.#receiveWindow.enlarge(bytes));
  }

  /** Sends a PING, one at a time; `onPong` is called when it is answered (RFC 9113, section 6.7). */
  ping(onPong: () => void): void {
    this.#onPong = onPong;
    this.#outbox.send(encodeFrame(FrameType.ping, { payload: new Uint8Array(8) }));
  }

  /**
   * Ends in order: says so, takes the streams that were on their way, and closes when all are done (RFC 9113, section 6.8).
   */
  drain(): void {
    if (this.#isClosed || this.#drainPing !== undefined) return;
    this.#drainPing = Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1);
    this.#outbox.send(encodeGoaway({ lastStreamId: 2 ** 31 - 1, code: ErrorCode.noError }));
    this.#outbox.send(encodeFrame(FrameType.ping, { payload: this.#drainPing }));
  }

  /** Ends at once: streams are broken off, and the peer is told that it was for no fault. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#outbox.send(encodeGoaway({ lastStreamId: this.#lastRemoteId, code: ErrorCode.noError }));
    this.#close(ErrorCode.cancel);
  }

  /** Begins a request of a client; check {@link takesRequests} before. @param block an encoded header block of 16,384 octets at most */
  request(block: Uint8Array, events: StreamEvents): Http2Stream {
    if (!this.takesRequests) throw new TypeError("This connection takes no request.");
    const stream = this.#addStream(this.#nextLocalId);
    this.#nextLocalId += 2;
    stream.events = events;
    this.sendHeaders(stream, block);
    return stream;
  }

  sendHeaders({ id }: Http2Stream, block: Uint8Array, flags = 0): void {
    this.#outbox.send(this.#sender.headersFrame(id, { block, flags }));
  }

  onReady(stream: Http2Stream): void {
    if (!stream.isReady) return;
    this.#sender.add(stream);
    this.#outbox.schedule();
  }

  reset(stream: Http2Stream, code: ErrorCode): void {
    this.#sayReset(stream.id, code);
    this.#closeStream(stream, code);
  }

  release(stream: Http2Stream, bytes: number): void {
    stream.unreleased -= bytes;
    if (!stream.remoteEnded) this.#tellWindow(stream.id, stream.receiveWindow.release(bytes));
    this.#tellWindow(0, this.#receiveWindow.release(bytes));
  }

  readonly #onFrame = (frame: Frame): void => {
    if (this.#isClosed) return;
    if (!this.#heardSettings && (frame.type !== FrameType.settings || frame.flags & Flag.ack)) {
      throw new ConnectionError(ErrorCode.protocolError, "The first frame is not SETTINGS.");
    }
    this.#assembly.expect(frame);
    try {
      const handle = this.#handlers[frame.type];
      // RFC 9113, section 5.5: frames of other types are ignored.
      if (handle === undefined) this.#budget.spendFrame();
      else handle(frame);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      this.#failStream(error);
    }
  };

  readonly #handlers: Partial<Record<number, (frame: Frame) => void>> = {
    [FrameType.data]: (frame) => this.#onData(frame),
    [FrameType.headers]: (frame) => {
      requireStream(frame);
      const whole = this.#assembly.begin(frame);
      if (whole !== undefined) this.#onHeaders(whole);
    },
    [FrameType.continuation]: (frame) => {
      const whole = this.#assembly.resume(frame);
      if (whole !== undefined) this.#onHeaders(whole);
    },
    [FrameType.priority]: (frame) => {
      requireStream(frame);
      this.#budget.spendFrame();
      if (frame.payload.length !== 5) {
        throw new StreamError(frame.streamId, ErrorCode.frameSizeError, "PRIORITY has five octets.");
      }
    },
    [FrameType.rstStream]: (frame) => this.#onReset(frame),
    [FrameType.settings]: (frame) => this.#onSettings(frame),
    [FrameType.pushPromise]: () => {
      throw new ConnectionError(ErrorCode.protocolError, "PUSH_PROMISE is not taken.");
    },
    [FrameType.ping]: (frame) => this.#onPing(frame),
    [FrameType.goaway]: (frame) => this.#onGoaway(frame),
    [FrameType.windowUpdate]: (frame) => this.#onWindowUpdate(frame),
  };

  #onData(frame: Frame): void {
    const { streamId, flags, payload } = requireStream(frame);
    if (!this.#receiveWindow.receive(payload.length)) {
      throw new ConnectionError(ErrorCode.flowControlError, "More DATA than the window of the connection.");
    }
    const stream = this.#streams.get(streamId);
    if (stream === undefined || stream.remoteEnded) {
      this.#requireUsed(streamId);
      this.#tellWindow(0, this.#receiveWindow.release(payload.length));
      if (!this.#resetHere.includes(streamId)) {
        throw new StreamError(streamId, ErrorCode.streamClosed, "DATA after the end.");
      }
      return this.#budget.spendFrame();
    }
    const data = withoutPadding(frame);
    stream.unreleased += payload.length;
    if (!stream.receiveWindow.receive(payload.length)) {
      throw new StreamError(streamId, ErrorCode.flowControlError, "More DATA than the window of the stream.");
    }
    if (this.#options.role === "client" && !stream.hasResponse) {
      throw new StreamError(streamId, ErrorCode.protocolError, "DATA came before the headers of the response.");
    }
    const isLast = (flags & Flag.endStream) !== 0;
    if (data.length === 0 && !isLast) this.#budget.spendFrame();
    stream.release(payload.length - data.length);
    if (stream.announcedBytes !== undefined) stream.announcedBytes -= data.length;
    if (data.length > 0) stream.events.onData(data);
    if (isLast) this.#onRemoteEnd(stream, undefined);
  }

  #onHeaders({ streamId, endStream, block }: HeaderBlock): void {
    // Also of a block that nobody wants: the next ones depend on it.
    const fields = this.#decoder.decode(block);
    const stream = this.#streams.get(streamId);
    if (this.#options.role === "client") {
      if (stream === undefined) {
        this.#requireUsed(streamId);
        return this.#budget.spendFrame();
      }
      if (fields === undefined) throw new StreamError(streamId, ErrorCode.enhanceYourCalm, "Too many fields.");
      return stream.hasResponse
        ? this.#onTrailers(stream, { fields, endStream })
        : this.#onResponse(stream, { fields, endStream });
    }
    if (stream !== undefined) return this.#onTrailers(stream, { fields: fields ?? [], endStream });
    if (streamId <= this.#lastRemoteId) {
      if (this.#resetHere.includes(streamId)) return this.#budget.spendFrame();
      throw new ConnectionError(ErrorCode.streamClosed, "HEADERS for a stream that has ended.");
    }
    if (streamId % 2 === 0) throw new ConnectionError(ErrorCode.protocolError, "A client's streams have odd numbers.");
    if (streamId > this.#lastTaken) return;
    this.#lastRemoteId = streamId;
    if (this.#streams.size >= this.#options.limits.maxStreams) {
      this.#budget.spendReset();
      throw new StreamError(streamId, ErrorCode.refusedStream, "Too many streams are open.");
    }
    if (fields === undefined) return this.#refuseFields(streamId);
    const request = parseRequestFields(fields);
    if (request === undefined) throw new StreamError(streamId, ErrorCode.protocolError, "The request is malformed.");
    const added = this.#addStream(streamId);
    const length = valueOf(request, "content-length");
    if (length !== undefined) added.announcedBytes = parseLength(streamId, length);
    this.#options.onRequest!(added, request);
    if (endStream && !added.isClosed) this.#onRemoteEnd(added, undefined);
  }

  #onResponse(
    stream: Http2Stream,
    { fields, endStream }: { fields: Parameters<typeof parseTrailers>[0]; endStream: boolean },
  ): void {
    const response = parseResponseFields(fields);
    if (response === undefined) throw new StreamError(stream.id, ErrorCode.protocolError, "The response is malformed.");
    const isInterim = response.pseudo.get(":status")!.startsWith("1");
    if (isInterim && endStream) {
      throw new StreamError(stream.id, ErrorCode.protocolError, "An interim response ends the stream.");
    }
    if (isInterim) return this.#budget.spendFrame();
    stream.hasResponse = true;
    stream.events.onResponse?.(response);
    if (endStream && !stream.isClosed) this.#onRemoteEnd(stream, undefined);
  }

  #onTrailers(
    stream: Http2Stream,
    { fields, endStream }: { fields: Parameters<typeof parseTrailers>[0]; endStream: boolean },
  ): void {
    if (stream.remoteEnded) throw new StreamError(stream.id, ErrorCode.streamClosed, "HEADERS after the end.");
    const trailers = endStream ? parseTrailers(fields) : undefined;
    if (trailers === undefined) {
      throw new StreamError(stream.id, ErrorCode.protocolError, "The trailers are malformed.");
    }
    this.#onRemoteEnd(stream, trailers);
  }

  #onRemoteEnd(stream: Http2Stream, trailers: HeaderList | undefined): void {
    if ((stream.announcedBytes ?? 0) !== 0) {
      throw new StreamError(stream.id, ErrorCode.protocolError, "The body is not as long as content-length says.");
    }
    stream.remoteEnded = true;
    stream.events.onEnd(trailers);
    if (stream.localEnded && !stream.isClosed) this.#closeStream(stream, undefined);
  }

  #onReset(frame: Frame): void {
    const { streamId, payload } = requireStream(frame);
    if (payload.length !== 4) throw new ConnectionError(ErrorCode.frameSizeError, "RST_STREAM has four octets.");
    this.#requireUsed(streamId);
    this.#budget.spendFrame();
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    if (this.#options.role === "server") this.#budget.spendReset();
    this.#closeStream(stream, readUint32(payload, 0) as ErrorCode);
  }

  #onSettings({ streamId, flags, payload }: Frame): void {
    if (streamId !== 0) throw new ConnectionError(ErrorCode.protocolError, "SETTINGS is about the connection.");
    if (flags & Flag.ack) {
      if (payload.length > 0) {
        throw new ConnectionError(ErrorCode.frameSizeError, "An acknowledgement of SETTINGS is empty.");
      }
      return this.#budget.spendFrame();
    }
    this.#heardSettings = true;
    this.#budget.spendFrame();
    const growth = this.#peer.apply(payload);
    for (const stream of this.#streams.values()) {
      if (!stream.sendWindow.grow(growth)) {
        throw new ConnectionError(ErrorCode.flowControlError, "INITIAL_WINDOW_SIZE makes a window too large.");
      }
      this.onReady(stream);
    }
    this.#outbox.send(encodeFrame(FrameType.settings, { flags: Flag.ack, payload: new Uint8Array() }));
  }

  #onPing({ streamId, flags, payload }: Frame): void {
    if (streamId !== 0) throw new ConnectionError(ErrorCode.protocolError, "PING is about the connection.");
    if (payload.length !== 8) throw new ConnectionError(ErrorCode.frameSizeError, "PING has eight octets.");
    this.#budget.spendFrame();
    if ((flags & Flag.ack) === 0) {
      return this.#outbox.send(encodeFrame(FrameType.ping, { flags: Flag.ack, payload }));
    }
    if (this.#drainPing !== undefined && payload[0] === this.#drainPing[0]) return this.#refuseNewStreams();
    const onPong = this.#onPong;
    this.#onPong = undefined;
    onPong?.();
  }

  #onGoaway({ streamId, payload }: Frame): void {
    if (streamId !== 0) throw new ConnectionError(ErrorCode.protocolError, "GOAWAY is about the connection.");
    if (payload.length < 8) throw new ConnectionError(ErrorCode.frameSizeError, "GOAWAY has eight octets or more.");
    this.#budget.spendFrame();
    this.#peerGoesAway = true;
    if (this.#options.role === "client") {
      const lastStreamId = readUint31(payload, 0);
      for (const stream of [...this.#streams.values()]) {
        if (stream.id > lastStreamId) this.#closeStream(stream, ErrorCode.refusedStream);
      }
    }
    this.#endWhenIdle();
  }

  #onWindowUpdate({ streamId, payload }: Frame): void {
    if (payload.length !== 4) throw new ConnectionError(ErrorCode.frameSizeError, "WINDOW_UPDATE has four octets.");
    this.#budget.spendFrame();
    const growth = readUint31(payload, 0);
    if (streamId === 0) {
      if (growth === 0) throw new ConnectionError(ErrorCode.protocolError, "WINDOW_UPDATE adds nothing.");
      if (!this.#sender.window.grow(growth)) {
        throw new ConnectionError(ErrorCode.flowControlError, "The window is too large.");
      }
      return this.#outbox.schedule();
    }
    this.#requireUsed(streamId);
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    if (growth === 0) throw new StreamError(streamId, ErrorCode.protocolError, "WINDOW_UPDATE adds nothing.");
    if (!stream.sendWindow.grow(growth)) {
      throw new StreamError(streamId, ErrorCode.flowControlError, "The window is too large.");
    }
    this.onReady(stream);
  }

  /** Frames about a stream that was never opened are an error (RFC 9113, section 5.1). */
  #requireUsed(streamId: number): void {
    const isLocal = streamId % 2 === (this.#options.role === "client" ? 1 : 0);
    const isUsed = isLocal
      ? streamId < this.#nextLocalId && this.#options.role === "client"
      : streamId <= this.#lastRemoteId;
    if (!isUsed) throw new ConnectionError(ErrorCode.protocolError, "A frame is about a stream that was not opened.");
  }

  #addStream(id: number): Http2Stream {
    const { streamWindow } = this.#options.limits;
    const stream = new Http2Stream(this, { id, sendWindow: this.#peer.initialWindow, receiveWindow: streamWindow });
    this.#streams.set(id, stream);
    return stream;
  }

  /** @returns a RST_STREAM when the request is not whole, and not wanted any more (RFC 9113, section 8.1). */
  #onLocalEnd(stream: Http2Stream): Uint8Array | undefined {
    stream.localEnded = true;
    if (!stream.remoteEnded && this.#options.role === "client") return undefined;
    this.#closeStream(stream, undefined);
    return stream.remoteEnded ? undefined : this.#resetFrame(stream.id, ErrorCode.noError);
  }

  /** More fields than are taken (RFC 6585, section 5). */
  #refuseFields(streamId: number): void {
    this.#budget.spendReset();
    this.#outbox.send(this.#sender.headersFrame(streamId, { block: tooManyFields, flags: Flag.endStream }));
    this.#sayReset(streamId, ErrorCode.noError);
  }

  #failStream({ streamId, code }: StreamError): void {
    this.#budget.spendFrame();
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) this.reset(stream, code);
    else this.#sayReset(streamId, code);
  }

  #sayReset(streamId: number, code: ErrorCode): void {
    this.#outbox.send(this.#resetFrame(streamId, code));
  }

  #resetFrame(streamId: number, code: ErrorCode): Uint8Array {
    this.#resetHere.push(streamId);
    if (this.#resetHere.length > rememberedResets) this.#resetHere.shift();
    return encodeNumberFrame(FrameType.rstStream, { streamId, value: code });
  }

  #closeStream(stream: Http2Stream, code: ErrorCode | undefined): void {
    if (!this.#streams.delete(stream.id)) return;
    this.#sender.delete(stream);
    if (stream.unreleased > 0) this.#tellWindow(0, this.#receiveWindow.release(stream.unreleased));
    stream.close(code);
    this.#endWhenIdle();
  }

  #tellWindow(streamId: number, growth: number): void {
    if (growth > 0) this.#outbox.send(encodeNumberFrame(FrameType.windowUpdate, { streamId, value: growth }));
  }

  #refuseNewStreams(): void {
    if (this.#lastTaken !== Infinity) return;
    this.#lastTaken = this.#lastRemoteId;
    this.#outbox.send(encodeGoaway({ lastStreamId: this.#lastTaken, code: ErrorCode.noError }));
    this.#endWhenIdle();
  }

  /** Ends a connection that takes no more streams, once the last frame of the last one is on its way. */
  #endWhenIdle(): void {
    const isDone = () => this.#streams.size === 0 && (this.#peerGoesAway || this.#lastTaken !== Infinity);
    if (isDone()) this.#options.defer(() => isDone() && this.#close(ErrorCode.noError));
  }

  #fail(error: ConnectionError): void {
    if (this.#isClosed) return;
    this.#outbox.send(encodeGoaway({ lastStreamId: this.#lastRemoteId, code: error.code, debug: error.message }));
    this.#close(error.code, error);
  }

  #close(code: ErrorCode, error?: ConnectionError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#sender.clear();
    this.#outbox.end();
    for (const stream of streams) stream.close(code);
    this.#options.onClosed?.(error);
  }
}

function requireStream(frame: Frame): Frame {
  if (frame.streamId === 0) throw new ConnectionError(ErrorCode.protocolError, "A frame of a stream names none.");
  return frame;
}

function parseLength(streamId: number, text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new StreamError(streamId, ErrorCode.protocolError, "content-length is no number.");
}
