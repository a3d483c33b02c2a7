import { ConnectionError, ErrorCode, StreamError } from "./errors.ts";
import type { FrameContext } from "./frame_context.ts";
import { Flag, type Frame, withoutPadding } from "./frames.ts";
import type { Http2Stream } from "./stream.ts";

/** Octets below which a late frame is small: a peer that keeps sending such frames makes no progress. */
const smallBytes = 1_024;

/** Receives a DATA frame (RFC 9113, section 6.1). */
export function receiveData(context: FrameContext, frame: Frame): void {
  const { streams, budget, role } = context;
  const { streamId, flags, payload } = frame;
  if (!streams.receiveWindow.receive(payload.length)) {
    throw new ConnectionError(ErrorCode.flowControlError, "More DATA than the window of the connection.");
  }
  const stream = streams.get(streamId);
  if (stream === undefined || stream.remoteEnded) return receiveLateData(context, frame);
  const data = withoutPadding(frame);
  stream.unreleased += payload.length;
  if (!stream.receiveWindow.receive(payload.length)) {
    throw new StreamError(streamId, ErrorCode.flowControlError, "More DATA than the window of the stream.");
  }
  if (role === "client" && !stream.hasResponse) {
    throw new StreamError(streamId, ErrorCode.protocolError, "DATA came before the response.");
  }
  countBody(stream, data.length);
  const isLast = (flags & Flag.endStream) !== 0;
  if (data.length === 0 && !isLast) budget.spendFrame();
  stream.release(payload.length - data.length);
  if (data.length > 0) stream.events.onData(data);
  if (isLast && !stream.isClosed) streams.endRemotely(stream);
}

/**
 * Receives DATA for a stream that has ended: octets that were under way when this side reset it are no error (RFC 9113,
 * section 5.1).
 */
function receiveLateData({ streams, budget }: FrameContext, { streamId, payload }: Frame): void {
  streams.ids.requireOpened(streamId);
  streams.giveBack(payload.length);
  if (!streams.ids.takeLateData(streamId, payload.length)) {
    throw new StreamError(streamId, ErrorCode.streamClosed, "DATA after the end.");
  }
  if (payload.length < smallBytes) budget.spendFrame();
}

/** Compares the body with content-length (RFC 9113, section 8.1.1). */
function countBody(stream: Http2Stream, bytes: number): void {
  if (stream.announcedBytes === undefined) return;
  stream.announcedBytes -= bytes;
  if (stream.announcedBytes >= 0) return;
  throw new StreamError(stream.id, ErrorCode.protocolError, "The body is longer than content-length says.");
}
