import type { BackoffOptions } from "./backoff.ts";
import type { FileTransport } from "./file_transport.ts";
import type { Callback, ClientFrame } from "../gen/chatd/v1/session.ts";
import type { LogInRequest, LogInResponse, RegisterRequest, RegisterResponse } from "../gen/chatd/v1/auth.ts";
import type { ReceivedFrame } from "./received_frame.ts";

/**
 * Reaches a server. Holds no connection: each call opens its own, which `signal` closes. Failures reject with a
 * `ChatError`, which is `unavailable` when no server answers.
 *
 * @example
 * ```ts
 * async function logIn(transport: Transport, user: string, password: string): Promise<string> {
 *   const { credentials } = await transport.logIn({ user, password, deviceId: "", deviceName: "example" }, {});
 *   return credentials!.token;
 * }
 * ```
 */
export interface Transport extends FileTransport {
  /** The server's address for people, such as "127.0.0.1:50051". */
  readonly address: string;
  /** Names the chat in the files of saved logins; the address unless given. */
  readonly identity?: string;
  /** Waits between attempts to connect; those of {@link Backoff} unless given. */
  readonly backoff?: BackoffOptions;
  register(request: RegisterRequest, options: { signal?: AbortSignal }): Promise<RegisterResponse>;
  logIn(request: LogInRequest, options: { signal?: AbortSignal }): Promise<LogInResponse>;
  /** Opens a live session; the caller's first frame is the hello. */
  connect(options: { signal?: AbortSignal }): Promise<Link>;
}

/** Returns the name of a transport's chat in the files of saved logins. */
export function identityOf({ identity, address }: Pick<Transport, "identity" | "address">): string {
  return identity ?? address;
}

/**
 * The pipe of one live session. The caller owns it and closes it.
 *
 * @example
 * ```ts
 * import type { ClientFrame } from "../gen/chatd/v1/session.ts";
 * import type { ReceivedFrame } from "./received_frame.ts";
 *
 * // Says hello, and returns the first frame that the server sends.
 * async function firstFrame(link: Link, hello: ClientFrame): Promise<ReceivedFrame | undefined> {
 *   try {
 *     link.send(hello);
 *     for await (const frame of link.frames) return frame;
 *   } finally {
 *     await link.close();
 *   }
 * }
 * ```
 */
export interface Link {
  /**
   * The callback for the hello, when this link can take deliveries by callback. Their frames are among `frames`; a
   * request for the next frame acknowledges the last one.
   */
  readonly callback?: Callback;
  /** Sends a frame. Throws nothing: `frames` reports a failed link. */
  send(frame: ClientFrame): void;
  /** Ends when the server ends the session; throws a `ChatError` when the link fails. Can be iterated once. */
  readonly frames: AsyncIterable<ReceivedFrame>;
  /** Idempotent; ends `frames`. */
  close(): Promise<void>;
}
