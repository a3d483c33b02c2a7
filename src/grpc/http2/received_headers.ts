import { maxHeldLists } from "./connection_limits.ts";
import { ErrorCode, StreamError } from "./errors.ts";
import type { FrameContext } from "./frame_context.ts";
import { Flag, type Frame } from "./frames.ts";
import type { HeaderBlock } from "./header_assembly.ts";
import { encodeHeaders } from "./header_encoder.ts";
import { type HeaderList, parseRequestFields, parseResponseFields, parseTrailers, valueOf } from "./header_rules.ts";
import { fieldSize, type HeaderField } from "./header_table.ts";
import type { Http2Stream } from "./stream.ts";

interface DecodedBlock {
  readonly streamId: number;
  readonly endStream: boolean;
  /** Undefined when the list is larger than its bound. */
  readonly fields: readonly HeaderField[] | undefined;
}

/** Response to a request with too many fields (RFC 6585, section 5). */
const tooManyFields = encodeHeaders([[":status", "431"]]);

/** Receives a HEADERS frame (RFC 9113, section 6.2). */
export function receiveHeaders(context: FrameContext, frame: Frame): void {
  receiveBlock(context, context.assembly.begin(frame));
}

/** Receives a CONTINUATION frame (RFC 9113, section 6.10). */
export function receiveContinuation(context: FrameContext, frame: Frame): void {
  receiveBlock(context, context.assembly.resume(frame));
}

function receiveBlock(context: FrameContext, block: HeaderBlock | undefined): void {
  if (block === undefined) return;
  const { streamId, endStream } = block;
  // Decode blocks of refused and closed streams too: later blocks depend on them (RFC 9113, section 4.3).
  const decoded = { streamId, endStream, fields: context.decoder.decode(block.block) };
  const stream = context.streams.get(streamId);
  if (stream !== undefined) return receiveForStream(context, stream, decoded);
  if (context.role === "server" && !context.streams.ids.wasResetHere(streamId)) {
    return receiveRequest(context, decoded);
  }
  context.streams.ids.requireOpened(streamId);
  context.budget.spendFrame();
}

/** Receives a request, which opens a stream (RFC 9113, section 8.3.1). */
function receiveRequest(context: FrameContext, { streamId, endStream, fields }: DecodedBlock): void {
  const { streams, budget, limits } = context;
  if (!streams.ids.takeRemote(streamId)) {
    streams.ids.rememberReset(streamId, limits.streamWindow);
    return budget.spendFrame();
  }
  if (streams.size >= limits.maxStreams) {
    throw new StreamError(streamId, ErrorCode.refusedStream, "Too many streams are open.");
  }
  if (fields === undefined) return refuseFields(context, { streamId, endStream });
  const fieldBytes = fields.reduce((sum, field) => sum + fieldSize(field), 0);
  if (streams.fieldBytes + fieldBytes > maxHeldLists * limits.maxHeaderListBytes) {
    throw new StreamError(streamId, ErrorCode.refusedStream, "The open requests have too many fields.");
  }
  const request = parseRequestFields(fields) ?? fail(streamId, "The request is malformed.");
  const announcedBytes = contentLength(streamId, request);
  if (endStream && (announcedBytes ?? 0) > 0) fail(streamId, "The request has no body, but a content-length.");
  const stream = streams.open(streamId);
  stream.announcedBytes = announcedBytes;
  stream.fieldBytes = fieldBytes;
  context.events.onRequest!(stream, request);
  if (endStream && !stream.isClosed) streams.endRemotely(stream);
}

/** Answers a request with too many fields. */
function refuseFields(
  { streams, outbox, budget }: FrameContext,
  { streamId, endStream }: { streamId: number; endStream: boolean },
): void {
  budget.spendReset();
  outbox.send(streams.sender.headersFrame(streamId, { block: tooManyFields, flags: Flag.endStream }));
  if (!endStream) streams.resetId(streamId, ErrorCode.noError);
}

/** Receives a response or trailers. */
function receiveForStream(context: FrameContext, stream: Http2Stream, { endStream, fields }: DecodedBlock): void {
  if (stream.remoteEnded) throw new StreamError(stream.id, ErrorCode.streamClosed, "HEADERS after the end.");
  if (fields === undefined) throw new StreamError(stream.id, ErrorCode.enhanceYourCalm, "Too many fields.");
  if (context.role === "client" && !stream.hasResponse) return receiveResponse(context, stream, { endStream, fields });
  const trailers = endStream ? parseTrailers(fields) : undefined;
  context.streams.endRemotely(stream, trailers ?? fail(stream.id, "The trailers are malformed."));
}

/** Receives a response, interim or final (RFC 9113, sections 8.1 and 8.3.2). */
function receiveResponse(
  { streams, budget }: FrameContext,
  stream: Http2Stream,
  { endStream, fields }: { endStream: boolean; fields: readonly HeaderField[] },
): void {
  const response = parseResponseFields(fields) ?? fail(stream.id, "The response is malformed.");
  if (response.pseudo.get(":status")!.startsWith("1")) {
    if (endStream) fail(stream.id, "An interim response ends the stream.");
    return budget.spendFrame();
  }
  stream.hasResponse = true;
  stream.announcedBytes = contentLength(stream.id, response);
  stream.events.onResponse?.(response);
  if (endStream && !stream.isClosed) streams.endRemotely(stream);
}

/** Returns the value of content-length; undefined when there is none. @throws {StreamError} PROTOCOL_ERROR */
function contentLength(streamId: number, list: HeaderList): number | undefined {
  const text = valueOf(list, "content-length");
  if (text === undefined) return undefined;
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : fail(streamId, "content-length is not a number.");
}

/** Ends a stream whose message is malformed (RFC 9113, section 8.1.1). */
function fail(streamId: number, message: string): never {
  throw new StreamError(streamId, ErrorCode.protocolError, message);
}
