import { type ChatErrorCode, toChatError } from "../../core/chat_error.ts";
import { GrpcStatus } from "../http2/grpc_status.ts";
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
  /** The call is over, and its answers are taken or thrown away. Called once. */
  onClosed(call: IncomingCall): void;
}

/** One call to this server. */
export class IncomingCall implements CallEvents {
  readonly connection: ClientConnection;
  /** The call came with a good token or password. */
  isLoggedIn = false;
  /** Ends the span of the call, with its status. */
  endSpan: ((status: number) => void) | undefined;
  /** The error of the chat that ended the call. */
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

  /** The status of gRPC that ended the call: cancelled, when it got none. */
  get status(): number {
    return this.#call.status ?? GrpcStatus.cancelled;
  }

  /** Octets of messages that wait for the client to take them. */
  get queuedBytes(): number {
    return this.#call.queuedBytes;
  }

  /** Octets of messages that were sent, and that the client has made room for. */
  get sentBytes(): number {
    return this.#call.sentBytes;
  }

  /** The client sends no more messages, or none is taken any more. */
  get hasAllRequests(): boolean {
    return this.#isHalfClosed || this.#call.isEnded;
  }

  /** Returns the value of a field of metadata; several are joined by commas. */
  metadata(name: string): string | undefined {
    return this.#call.metadata(name);
  }

  /** Frees the memory of the metadata, in a call that lasts. */
  dropMetadata(): void {
    this.#call.dropMetadata();
  }

  /** Leaves octets of a message in the windows until the client ends its side, because the method keeps them so long. */
  keep(bytes: number): void {
    this.#call.keep(bytes);
  }

  /** Has a method answer the call, once it was begun. */
  answerWith(method: Method): void {
    this.#handler = method(this);
  }

  /** Sends a message. */
  send(message: Uint8Array): void {
    this.#call.send(message);
  }

  /** Ends the call, after the messages that were sent. */
  end(status?: CallStatus): void {
    this.#call.end(status);
  }

  /** Ends the call with an error, after the messages that were sent. */
  fail(error: unknown): void {
    if (this.#call.isEnded) return;
    this.refusedFor = toChatError(error).code;
    this.#call.end(toStatus(error));
  }

  /** Ends the call at once: queued messages are thrown away. */
  breakOff(): void {
    this.#call.breakOff();
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
