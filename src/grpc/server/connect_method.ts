import type { Identity } from "../../core/accounts/accounts.ts";
import type { ChatError } from "../../core/chat_error.ts";
import { Session } from "../../session/session.ts";
import type { SessionDependencies } from "../../session/session_dependencies.ts";
import type { SessionPipe } from "../../session/session_pipe.ts";
import type { EncodedFrame } from "../../wire/server_frame.ts";
import type { Device } from "./client_connection.ts";
import type { CallHandler, IncomingCall, Method } from "./incoming_call.ts";

export interface ConnectOptions extends Omit<SessionDependencies, "transport"> {
  /** Called when a device logged in by a call. @throws {ChatError} `limit_reached` */
  onLogIn(call: IncomingCall, device: Device): void;
}

/** `ChatService.Connect`: one live session for each call. Frames are bytes both ways. */
export function connectMethod(options: ConnectOptions): Method {
  const shared = { ...options, transport: "grpc" };
  return (call) => {
    call.dropMetadata();
    return new ConnectCall(call, shared);
  };
}

/** A call of `Connect`, and its live session. */
class ConnectCall implements CallHandler, SessionPipe {
  readonly #call: IncomingCall;
  readonly #shared: ConnectOptions;
  readonly #session: Session;

  constructor(call: IncomingCall, shared: ConnectOptions & SessionDependencies) {
    this.#call = call;
    this.#shared = shared;
    this.#session = new Session(shared, this);
  }

  get address(): string {
    return this.#call.connection.address;
  }

  onMessage(message: Uint8Array): void {
    this.#session.receiveEncoded(message);
  }

  onHalfClose(): void {
    this.#session.leave();
  }

  onDrain(): void {
    this.#session.drained();
  }

  onClose(): void {
    this.#session.disconnected();
  }

  onHello(identity: Identity): void {
    this.#shared.onLogIn(this.#call, identity);
  }

  send(frame: EncodedFrame): void {
    this.#call.send(frame);
  }

  unsentBytes(): number {
    return this.#call.queuedBytes;
  }

  end(reason: ChatError | undefined): void {
    if (reason === undefined) this.#call.end();
    else this.#call.fail(reason);
  }
}
