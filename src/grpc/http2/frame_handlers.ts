import { ConnectionError, ErrorCode, StreamError } from "./errors.ts";
import type { FrameContext } from "./frame_context.ts";
import { encodeFrame, Flag, type Frame, FrameType, readUint31, readUint32 } from "./frames.ts";
import { receiveData } from "./received_data.ts";
import { receiveContinuation, receiveHeaders } from "./received_headers.ts";

interface FrameHandler {
  /** Whether frames of this type refer to a stream or to the connection (RFC 9113, section 6). */
  readonly subject: "stream" | "connection" | "either";
  /** Length of the payload, for types with a fixed one; any other is a connection error. */
  readonly bytes?: number;
  /** @throws {ConnectionError | StreamError} */
  readonly receive: (context: FrameContext, frame: Frame) => void;
}

const handlers: Partial<Record<number, FrameHandler>> = {
  [FrameType.data]: { subject: "stream", receive: receiveData },
  [FrameType.headers]: { subject: "stream", receive: receiveHeaders },
  [FrameType.priority]: { subject: "stream", receive: receivePriority },
  [FrameType.rstStream]: { subject: "stream", bytes: 4, receive: receiveReset },
  [FrameType.settings]: { subject: "connection", receive: receiveSettings },
  [FrameType.pushPromise]: { subject: "stream", receive: refusePush },
  [FrameType.ping]: { subject: "connection", bytes: 8, receive: receivePing },
  [FrameType.goaway]: { subject: "connection", receive: receiveGoaway },
  [FrameType.windowUpdate]: { subject: "either", bytes: 4, receive: receiveWindowUpdate },
  [FrameType.continuation]: { subject: "stream", receive: receiveContinuation },
};

/** Receives a frame; a broken rule of a stream resets the stream. @throws {ConnectionError} */
export function receiveFrame(context: FrameContext, frame: Frame): void {
  try {
    dispatch(context, frame);
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    failStream(context, error);
  }
}

/** Passes a frame to the handler of its type; frames of unknown types are ignored (RFC 9113, section 5.5). */
function dispatch(context: FrameContext, frame: Frame): void {
  const { type, flags, streamId, payload } = frame;
  if (!context.settings.wereReceived && (type !== FrameType.settings || flags & Flag.ack)) {
    throw new ConnectionError(ErrorCode.protocolError, "The first frame is not SETTINGS.");
  }
  context.assembly.expect(frame);
  const handler = handlers[type];
  if (handler === undefined) return context.budget.spendFrame();
  const { subject, bytes = payload.length } = handler;
  if (streamId === 0 ? subject === "stream" : subject === "connection") {
    throw new ConnectionError(ErrorCode.protocolError, `A frame of type ${type} belongs to the ${subject}.`);
  }
  if (payload.length !== bytes) {
    throw new ConnectionError(ErrorCode.frameSizeError, `A frame of type ${type} has ${bytes} octets.`);
  }
  handler.receive(context, frame);
}

/**
 * Resets a stream on which the peer broke a rule, which counts as a reset by the peer (CVE-2025-8671).
 * @throws {ConnectionError}
 */
function failStream({ streams, budget }: FrameContext, { streamId, code, message }: StreamError): void {
  // An idle stream must not be reset (RFC 9113, section 6.4).
  if (!streams.ids.wasOpened(streamId)) throw new ConnectionError(code, message);
  budget.spendReset();
  streams.resetId(streamId, code);
}

/** Ignores a priority (RFC 9113, section 5.3.2). */
function receivePriority({ budget }: FrameContext, { streamId, payload }: Frame): void {
  budget.spendFrame();
  if (payload.length !== 5) throw new StreamError(streamId, ErrorCode.frameSizeError, "PRIORITY has five octets.");
}

/** Closes a stream that the peer reset (RFC 9113, section 6.4). */
function receiveReset({ role, streams, budget }: FrameContext, { streamId, payload }: Frame): void {
  streams.ids.requireOpened(streamId);
  budget.spendFrame();
  const stream = streams.get(streamId);
  if (stream === undefined) return;
  if (role === "server") budget.spendReset();
  streams.close(stream, readUint32(payload, 0) as ErrorCode);
}

/** Applies the peer's settings and acknowledges them (RFC 9113, section 6.5). */
function receiveSettings({ role, budget, settings, streams, outbox }: FrameContext, { flags, payload }: Frame): void {
  budget.spendFrame();
  if (flags & Flag.ack) {
    if (payload.length === 0) return;
    throw new ConnectionError(ErrorCode.frameSizeError, "An acknowledgement of SETTINGS is empty.");
  }
  if (!streams.growSendWindows(settings.apply(payload, role))) {
    throw new ConnectionError(ErrorCode.flowControlError, "INITIAL_WINDOW_SIZE makes a window too large.");
  }
  outbox.send(encodeFrame(FrameType.settings, { flags: Flag.ack, payload: new Uint8Array() }));
}

/** Refuses a push: this side never allows one (RFC 9113, section 6.6). */
function refusePush(): void {
  throw new ConnectionError(ErrorCode.protocolError, "PUSH_PROMISE is not allowed.");
}

/** Answers a PING, or handles the answer to one (RFC 9113, section 6.7). */
function receivePing({ budget, outbox, shutdown, onPong }: FrameContext, { flags, payload }: Frame): void {
  budget.spendFrame();
  if ((flags & Flag.ack) === 0) return outbox.send(encodeFrame(FrameType.ping, { flags: Flag.ack, payload }));
  if (!shutdown.takePong(payload)) onPong();
}

/**
 * Ends the connection after its streams; streams of this side that the peer does not process are refused (RFC 9113,
 * section 6.8).
 */
function receiveGoaway({ role, budget, streams, shutdown }: FrameContext, { payload }: Frame): void {
  if (payload.length < 8) throw new ConnectionError(ErrorCode.frameSizeError, "GOAWAY has eight octets or more.");
  budget.spendFrame();
  const lastProcessed = role === "client" ? readUint31(payload, 0) : Infinity;
  for (const stream of streams.list()) {
    if (stream.id > lastProcessed) streams.close(stream, ErrorCode.refusedStream);
  }
  shutdown.onPeerGoesAway();
}

/** Enlarges a send window (RFC 9113, section 6.9). */
function receiveWindowUpdate({ budget, streams, outbox }: FrameContext, { streamId, payload }: Frame): void {
  budget.spendFrame();
  const growth = readUint31(payload, 0);
  if (streamId === 0) {
    if (growth === 0) throw new ConnectionError(ErrorCode.protocolError, "WINDOW_UPDATE adds nothing.");
    if (streams.sender.window.grow(growth)) return outbox.schedule();
    throw new ConnectionError(ErrorCode.flowControlError, "The window of the connection is too large.");
  }
  streams.ids.requireOpened(streamId);
  const stream = streams.get(streamId);
  if (stream === undefined) return;
  if (growth === 0) throw new StreamError(streamId, ErrorCode.protocolError, "WINDOW_UPDATE adds nothing.");
  if (stream.sendWindow.grow(growth)) return streams.onReady(stream);
  throw new StreamError(streamId, ErrorCode.flowControlError, "The window of the stream is too large.");
}
