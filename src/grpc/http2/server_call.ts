import { Buffer } from "node:buffer";
import { encodeStatusMessage, parseTimeout } from "./call_metadata.ts";
import { ErrorCode } from "./errors.ts";
import { GrpcStatus } from "./grpc_status.ts";
import { encodeHeaders } from "./header_encoder.ts";
import { type HeaderList, valueOf } from "./header_rules.ts";
import { FramedMessage, frameMessage, MessageError, MessageReader } from "./messages.ts";
import type { Data } from "./octets.ts";
import type { Http2Stream, StreamEvents } from "./stream.ts";

/** How a call ends. */
export interface CallStatus {
  /** A status code of gRPC; 0 is success. */
  readonly code: number;
  readonly details?: string;
  /** Names in lowercase, values printable ASCII. */
  readonly metadata?: Iterable<readonly [name: string, value: string]>;
}

/** The events of a call. */
export interface CallEvents {
  /** Called with each whole message; its octets are valid during the call. */
  onMessage(message: Uint8Array): void;
  /** Called when the client sends no more messages. */
  onHalfClose(): void;
  /** Called when all sent messages have left. */
  onDrain?(): void;
  /** The last event: the call was cancelled, or its answer was taken. */
  onClose(): void;
}

/** Longest status text that is sent, in octets: proxies accept 4 KiB of header fields in all. */
const maxDetails = 2_048;
/** Longest timer (24 days); a later deadline counts as none. */
const maxTimerMs = 2 ** 31 - 1;

/** DATA frames that are discarded after a call ended, while its answer waits for the client. */
export const maxLateFrames = 4_096;

const noFields: HeaderList = { pseudo: new Map(), fields: [] };

const responseBlock = encodeHeaders([[":status", "200"], ["content-type", "application/grpc"]]);
const successBlock = encodeHeaders([["grpc-status", "0"]]);

/** One gRPC call on a server, over one stream (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
export class ServerCall implements StreamEvents {
  readonly path: string;
  #request: HeaderList;
  readonly #stream: Http2Stream;
  readonly #reader: MessageReader;
  #events: CallEvents | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #hasResponse = false;
  #isEnded = false;
  #status: number | undefined;
  #isClosed = false;
  /** Octets of DATA in an incomplete or kept message; they stay in the windows. */
  #held = 0;
  #lateFrames = 0;
  /** Octets of messages that the owner keeps. */
  #kept = 0;

  /** Creates a call for a request. @param options.maxMessageBytes largest message */
  constructor(stream: Http2Stream, request: HeaderList, { maxMessageBytes }: { maxMessageBytes: number }) {
    this.path = request.pseudo.get(":path") ?? "";
    this.#request = request;
    this.#stream = stream;
    this.#reader = new MessageReader(maxMessageBytes);
    stream.events = this;
  }

  /** Octets of sent messages that wait for the client to take them. */
  get queuedBytes(): number {
    return this.#stream.queuedBytes;
  }

  /** Octets of sent messages that fit into the client's windows. */
  get sentBytes(): number {
    return this.#stream.sentBytes;
  }

  /** The status that ended the call; undefined before that. */
  get status(): number | undefined {
    return this.#status;
  }

  /** Whether nothing more can be sent. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Returns the value of a metadata field; several values are joined by commas. */
  metadata(name: string): string | undefined {
    return valueOf(this.#request, name);
  }

  /** Frees the memory of the metadata, for a long call. */
  dropMetadata(): void {
    this.#request = noFields;
  }

  /** Starts reporting events. @returns false when the request is not an acceptable gRPC call, which was answered */
  begin(events: CallEvents): boolean {
    this.#events = events;
    if (this.#request.pseudo.get(":method") !== "POST") return this.#refuse("405", [["allow", "POST"]]);
    if (!/^application\/grpc(?:[+;]|$)/.test(this.metadata("content-type") ?? "")) return this.#refuse("415", []);
    if ((this.metadata("grpc-encoding") ?? "identity") !== "identity") {
      this.end({
        code: GrpcStatus.unimplemented,
        details: "Compressed messages are not supported: send them uncompressed.",
        metadata: [["grpc-accept-encoding", "identity"]],
      });
      return false;
    }
    return this.#startDeadline();
  }

  /** Sends a message; octets that are encoded later belong to the call until then. */
  send(message: Data): void {
    if (this.#isEnded) return;
    if (!this.#hasResponse) this.#stream.sendHeaders(responseBlock);
    this.#hasResponse = true;
    this.#stream.write(message instanceof Uint8Array ? frameMessage(message) : new FramedMessage(message));
  }

  /** Ends the call, after all sent messages. */
  end(status: CallStatus = { code: GrpcStatus.ok }): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#status = status.code;
    clearTimeout(this.#deadline);
    const trailers = status.code === GrpcStatus.ok ? successBlock : encodeHeaders(trailersOf(status));
    if (this.#hasResponse) return this.#stream.end(trailers);
    // "Trailers-Only": a single header block serves as headers and trailers.
    this.#stream.end(Buffer.concat([responseBlock, trailers]));
  }

  /**
   * Keeps octets of a message in the windows until the client ends its side, because the owner holds them that long.
   */
  keep(bytes: number): void {
    this.#kept += bytes;
  }

  /** Cancels the call: queued messages are discarded. */
  abort(): void {
    this.#isEnded = true;
    this.#stream.reset(ErrorCode.cancel);
  }

  onData(bytes: Uint8Array): void {
    const { length } = bytes;
    if (this.#isEnded) return this.#dropLate(length);
    try {
      this.#reader.read(bytes, (message) => {
        if (!this.#isEnded) this.#events?.onMessage(message);
      });
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.end({ code: statusOf[error.kind], details: error.message });
    }
    this.#release(length);
  }

  onEnd(): void {
    this.#kept = 0;
    this.#release(0);
    if (this.#isEnded) return;
    if (this.#reader.heldBytes === 0) return this.#events?.onHalfClose();
    this.end({ code: GrpcStatus.invalidArgument, details: "The last message is incomplete." });
  }

  onDrain(): void {
    if (!this.#isEnded) this.#events?.onDrain?.();
  }

  onClose(_code: ErrorCode | undefined): void {
    this.#isEnded = true;
    clearTimeout(this.#deadline);
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events?.onClose();
  }

  /**
   * Discards DATA after the end of the call, within a limit: a client that keeps sending does not wait for its answer.
   */
  #dropLate(bytes: number): void {
    if (++this.#lateFrames > maxLateFrames) return this.abort();
    this.#stream.release(bytes);
  }

  #refuse(status: string, fields: [string, string][]): false {
    this.#isEnded = true;
    this.#stream.end(encodeHeaders([[":status", status], ...fields]));
    return false;
  }

  #startDeadline(): boolean {
    const timeout = this.metadata("grpc-timeout");
    if (timeout === undefined) return true;
    const ms = parseTimeout(timeout);
    if (ms === undefined) {
      this.end({ code: GrpcStatus.invalidArgument, details: "grpc-timeout is malformed." });
      return false;
    }
    if (ms < maxTimerMs) this.#deadline = setTimeout(() => this.#expire(), ms);
    return true;
  }

  /** Ends an overdue call. The client has given up, so queued octets are useless. */
  #expire(): void {
    if (this.#stream.queuedBytes === 0) {
      return this.end({ code: GrpcStatus.deadlineExceeded, details: "The deadline of the call has passed." });
    }
    this.abort();
  }

  /** Releases received octets to the client, except those that this call holds. */
  #release(bytes: number): void {
    const held = this.#reader.heldBytes + this.#kept;
    const released = this.#held + bytes - held;
    this.#held = held;
    if (released > 0) this.#stream.release(released);
  }
}

const statusOf: Record<MessageError["kind"], GrpcStatus> = {
  "too long": GrpcStatus.resourceExhausted,
  compressed: GrpcStatus.unimplemented,
  malformed: GrpcStatus.invalidArgument,
};

function trailersOf({ code, details = "", metadata = [] }: CallStatus): [string, string][] {
  const fields: [string, string][] = [["grpc-status", String(code)]];
  if (details !== "") fields.push(["grpc-message", encodeStatusMessage(details, maxDetails)]);
  for (const [name, value] of metadata) fields.push([name, value]);
  return fields;
}
