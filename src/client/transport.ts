import type { BackoffOptions } from "./backoff.ts";
import type { FileTransport } from "./file_transport.ts";
import type { Callback, ClientFrame } from "../gen/chatd/v1/session.ts";
import type { LogInRequest, LogInResponse, RegisterRequest, RegisterResponse } from "../gen/chatd/v1/auth.ts";
import type { ReceivedFrame } from "./received_frame.ts";

/**
 * A way to reach a server. It holds no connection of its own: each call opens what it needs and `signal` closes it.
 * Everything that fails rejects with a `ChatError`; no server there is `unavailable`.
 */
export interface Transport extends FileTransport {
  /** Where it leads, for people: "127.0.0.1:50051". */
  readonly address: string;
  /** How long clients wait between tries to reach the server; as `Backoff` does unless given. */
  readonly backoff?: BackoffOptions;
  register(request: RegisterRequest, options: { signal?: AbortSignal }): Promise<RegisterResponse>;
  logIn(request: LogInRequest, options: { signal?: AbortSignal }): Promise<LogInResponse>;
  /** Opens a live session; the caller's first frame is the hello. */
  connect(options: { signal?: AbortSignal }): Promise<Link>;
}

/** One live session's pipe. The caller owns it and closes it. */
export interface Link {
  /**
   * For the hello, when this link can take deliveries by callback. The frames that come that way are among `frames`,
   * and each is acknowledged to the server when `frames` is asked for the next one.
   */
  readonly callback?: Callback;
  /** Takes the frame; throws nothing when the link is gone, `frames` says so. */
  send(frame: ClientFrame): void;
  /** Ends when the server ends the session; throws a `ChatError` when the link fails. Can be iterated once. */
  readonly frames: AsyncIterable<ReceivedFrame>;
  /** Idempotent; ends `frames`. */
  close(): Promise<void>;
}
