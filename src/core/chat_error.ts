/**
 * What can go wrong through something that a user did or met. The codes are part of the protocol:
 * `docs/grpc.md` lists them, and every transport passes them on unchanged.
 */
export type ChatErrorCode =
  | "invalid_argument"
  | "unauthenticated"
  | "permission_denied"
  | "not_found"
  | "already_exists"
  | "message_id_conflict"
  | "message_id_expired"
  | "message_id_in_future"
  | "rate_limited"
  /** There is as much of something as there may be. */
  | "limit_reached"
  | "busy"
  | "storage_full"
  | "registration_closed"
  | "invite_invalid"
  | "token_revoked"
  | "session_replaced"
  | "slow_consumer"
  | "unsupported_version"
  | "unavailable"
  | "internal";

export interface ChatErrorOptions extends ErrorOptions {
  /** When trying again may help, in milliseconds from now. */
  retryAfterMs?: number;
}

/** An error that is meant for the person who caused or met it; its message says what to do next. */
export class ChatError extends Error {
  readonly code: ChatErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: ChatErrorCode, message: string, options: ChatErrorOptions = {}) {
    super(message, options);
    this.name = "ChatError";
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The error to show for anything thrown: a `ChatError` as it is, everything else without its detail. */
export function toChatError(thrown: unknown): ChatError {
  if (thrown instanceof ChatError) return thrown;
  return new ChatError("internal", "The server failed to do this; its log says why.", { cause: thrown });
}
