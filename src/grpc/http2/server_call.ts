import { Buffer } from "node:buffer";
import { encodeStatusMessage, parseTimeout } from "./call_metadata.ts";
import { ErrorCode } from "./errors.ts";
import { encodeHeaders } from "./header_encoder.ts";
import { type HeaderList, valueOf } from "./header_rules.ts";
import { frameMessage, MessageError, MessageReader } from "./messages.ts";
import type { Http2Stream } from "./stream.ts";

/** Status codes of gRPC that this layer gives by itself. */
const Status = { ok: 0, invalidArgument: 3, deadlineExceeded: 4, resourceExhausted: 8, unimplemented: 12 } as const;

/** How a call ended. */
export interface CallStatus {
  /** A status code of gRPC; 0 is success. */
  readonly code: number;
  readonly details?: string;
  /** Names in lowercase, values printable ASCII. */
  readonly metadata?: Iterable<readonly [name: string, value: string]>;
}

/** Hears of a call. */
export interface CallEvents {
  /** A whole message came; valid during the call. */
  onMessage(message: Uint8Array): void;
  /** The client sends no more messages. */
  onHalfClose(): void;
  /** The last event: the call ended, `cancelled` by the client or its deadline, or answered. */
  onClose(cancelled: boolean): void;
}

/** Longest text of a status that is sent, in characters. */
const maxDetails = 2_000;
/** Longest timer: a deadline beyond is none (24 days). */
const maxTimerMs = 2 ** 31 - 1;

const responseBlock = encodeHeaders([[":status", "200"], ["content-type", "application/grpc"]]);
const successBlock = encodeHeaders([["grpc-status", "0"]]);

/** One gRPC call on a server, over one stream (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
export class ServerCall {
  readonly path: string;
  readonly #request: HeaderList;
  readonly #stream: Http2Stream;
  readonly #reader: MessageReader;
  #events: CallEvents | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #hasResponse = false;
  #isEnded = false;
  /** Octets that came and were not given back, because their message is not whole. */
  #held = 0;

  /**
   * @param options.maxMessageBytes the longest message that is taken
   */
  constructor(stream: Http2Stream, request: HeaderList, { maxMessageBytes }: { maxMessageBytes: number }) {
    this.path = request.pseudo.get(":path")!;
    this.#request = request;
    this.#stream = stream;
    this.#reader = new MessageReader(maxMessageBytes);
    stream.events = {
      onData: (bytes) => this.#onData(bytes),
      onEnd: () => this.#onEnd(),
      onClose: (code) => this.#onClose(code),
    };
  }

  /** Octets of messages that were sent and wait for the client to take them. */
  get queuedBytes(): number {
    return this.#stream.queuedBytes;
  }

  /** Nothing more can be sent. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Returns the value of a field of metadata; several are joined by commas. */
  metadata(name: string): string | undefined {
    return valueOf(this.#request, name);
  }

  /**
   * Begins the call, if it is one of gRPC. @returns false when it was refused by its headers, and is over.
   */
  begin(events: CallEvents): boolean {
    if (this.#request.pseudo.get(":method") !== "POST") return this.#refuse("405", [["allow", "POST"]]);
    if (!/^application\/grpc(?:[+;]|$)/.test(this.metadata("content-type") ?? "")) return this.#refuse("415", []);
    this.#events = events;
    const encoding = this.metadata("grpc-encoding") ?? "identity";
    if (encoding !== "identity") {
      this.end({
        code: Status.unimplemented,
        details: "Compressed messages are not taken: send them as they are.",
        metadata: [["grpc-accept-encoding", "identity"]],
      });
      return false;
    }
    return this.#startDeadline();
  }

  /** Sends a message. */
  send(message: Uint8Array): void {
    if (this.#isEnded) return;
    if (!this.#hasResponse) this.#stream.sendHeaders(responseBlock);
    this.#hasResponse = true;
    this.#stream.write(frameMessage(message));
  }

  /** Ends the call, after the messages that were sent. */
  end(status: CallStatus = { code: Status.ok }): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#deadline);
    const trailers = status.code === Status.ok ? successBlock : encodeHeaders(trailersOf(status));
    if (this.#hasResponse) return this.#stream.end(trailers);
    // "Trailers-Only": the one header block is both.
    this.#stream.end(Buffer.concat([responseBlock, trailers]));
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
      this.end({ code: Status.invalidArgument, details: "grpc-timeout is malformed." });
      return false;
    }
    const expire = () => {
      this.end({ code: Status.deadlineExceeded, details: "The deadline of the call is over." });
      this.#close(true);
    };
    if (ms < maxTimerMs) this.#deadline = setTimeout(expire, ms);
    return true;
  }

  #onData(bytes: Uint8Array): void {
    const { length } = bytes;
    if (this.#isEnded) return this.#stream.release(length);
    try {
      this.#reader.read(bytes, (message) => {
        if (!this.#isEnded) this.#events!.onMessage(message);
      });
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      const code = error.kind === "too long"
        ? Status.resourceExhausted
        : error.kind === "compressed"
        ? Status.unimplemented
        : Status.invalidArgument;
      this.end({ code, details: error.message });
      this.#close(true);
    }
    this.#release(length);
  }

  /** Octets of a message that is not whole stay in the windows, which bound what a connection can make this side hold. */
  #release(bytes: number): void {
    const held = this.#reader.heldBytes;
    const released = this.#held + bytes - held;
    this.#held = held;
    if (released > 0) this.#stream.release(released);
  }

  #onEnd(): void {
    if (this.#isEnded) return;
    if (this.#reader.heldBytes === 0) return this.#events?.onHalfClose();
    this.end({ code: Status.invalidArgument, details: "The last message is not whole." });
    this.#close(true);
  }

  #onClose(code: ErrorCode | undefined): void {
    const wasCancelled = code !== undefined && !(this.#isEnded && code === ErrorCode.noError);
    this.#isEnded = true;
    clearTimeout(this.#deadline);
    this.#close(wasCancelled);
  }

  #close(cancelled: boolean): void {
    const events = this.#events;
    this.#events = undefined;
    events?.onClose(cancelled);
  }
}

function trailersOf({ code, details = "", metadata = [] }: CallStatus): [string, string][] {
  const fields: [string, string][] = [["grpc-status", String(code)]];
  if (details !== "") fields.push(["grpc-message", encodeStatusMessage(details.slice(0, maxDetails))]);
  for (const [name, value] of metadata) fields.push([name, value]);
  return fields;
}
