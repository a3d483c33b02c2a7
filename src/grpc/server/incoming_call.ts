import { type ChatErrorCode, toChatError } from "../../core/chat_error.ts";
import { GrpcStatus } from "../http2/grpc_status.ts";
import type { Data } from "../http2/octets.ts";
import type { CallEvents, CallStatus, ServerCall } from "../http2/server_call.ts";
import { toStatus } from "../status.ts";
import type { ClientConnection } from "./client_connection.ts";

/** The handler of the messages of one call. */
export interface CallHandler extends Partial<CallEvents> {
  onMessage(message: Uint8Array): void;
  onHalfClose(): void;
}

/** A method of a service: begins a call, and returns the handler of its messages. */
export type Method = (call: IncomingCall) => CallHandler;

/** Methods by their paths: "/package.Service/Method". */
export type MethodTable = ReadonlyMap<string, Method>;

export interface IncomingCallOptions {
  readonly connection: ClientConnection;
  /** Called once, when the call is over and its answers were taken or discarded. */
  onClosed(call: IncomingCall): void;
}

/** One call to this server. */
export class IncomingCall implements CallEvents {
  readonly connection: ClientConnection;
  /** Whether the call has a valid token or password. */
  isLoggedIn = false;
  /** Ends the span of the call, with its status. */
  endSpan: ((status: number) => void) | undefined;
  /** The error code that ended the call. */
  refusedFor: ChatErrorCode | undefined;
  readonly #call: ServerCall;
  readonly #onClosed: (call: IncomingCall) => void;
  #handler: CallHandler | undefined;
  #isHalfClosed = false;

  constructor(call: ServerCall, { connection, onClosed }: IncomingCallOptions) {
    this.connection = connection;
    this.#call = call;
    this.#onClosed = onClosed;
  }

  get path(): string {
    return this.#call.path;
  }

  /** The gRPC status that ended the call; cancelled without one. */
  get status(): number {
    return this.#call.status ?? GrpcStatus.cancelled;
  }

  /** Octets of messages that wait for the client to take them. */
  get queuedBytes(): number {
    return this.#call.queuedBytes;
  }

  /** Octets of sent messages that fit into the client's windows. */
  get sentBytes(): number {
    return this.#call.sentBytes;
  }

  /** Whether the client sends no more messages, or no more are accepted. */
  get hasAllRequests(): boolean {
    return this.#isHalfClosed || this.#call.isEnded;
  }

  /** Returns the value of a metadata field; several values are joined by commas. */
  metadata(name: string): string | undefined {
    return this.#call.metadata(name);
  }

  /** Frees the memory of the metadata, for a long call. */
  dropMetadata(): void {
    this.#call.dropMetadata();
  }

  /**
   * Keeps octets of a message in the windows until the client ends its side, because the method holds them that long.
   */
  keep(bytes: number): void {
    this.#call.keep(bytes);
  }

  /** Lets a method answer the call, once it was begun. */
  answerWith(method: Method): void {
    this.#handler = method(this);
  }

  /** Sends a message: see {@link ServerCall.send}. */
  send(message: Data): void {
    this.#call.send(message);
  }

  /** Ends the call, after all sent messages. */
  end(status?: CallStatus): void {
    this.#call.end(status);
  }

  /** Ends the call with an error, after all sent messages. */
  fail(error: unknown): void {
    if (this.#call.isEnded) return;
    this.refusedFor = toChatError(error).code;
    this.#call.end(toStatus(error));
  }

  /** Cancels the call: queued messages are discarded. */
  abort(): void {
    this.#call.abort();
  }

  onMessage(message: Uint8Array): void {
    this.#handler?.onMessage(message);
  }

  onHalfClose(): void {
    this.#isHalfClosed = true;
    this.#handler?.onHalfClose();
  }

  onDrain(): void {
    this.#handler?.onDrain?.();
  }

  onClose(): void {
    this.#handler?.onClose?.();
    this.#onClosed(this);
  }
}
