import { sanitizeLine } from "./sanitize.ts";

/** The codes of {@link ChatErrorCode}. */
export const chatErrorCodes = [
  "invalid_argument",
  "unauthenticated",
  "permission_denied",
  "not_found",
  "already_exists",
  "message_id_conflict",
  "message_id_expired",
  "message_id_in_future",
  "rate_limited",
  /** There is as much of something as there may be. */
  "limit_reached",
  "busy",
  "storage_full",
  "registration_closed",
  "invite_invalid",
  "token_revoked",
  "session_replaced",
  "slow_consumer",
  "unsupported_version",
  "unavailable",
  "internal",
] as const;

/**
 * What can go wrong through something that a user did or met. The codes are part of the protocol:
 * `docs/grpc.md` lists them, and every transport passes them on unchanged.
 */
export type ChatErrorCode = typeof chatErrorCodes[number];

export interface ChatErrorOptions extends ErrorOptions {
  /** When trying again may help, in milliseconds from now. */
  retryAfterMs?: number;
}

/**
 * An error that is meant for the person who caused or met it; its message says what to do next.
 *
 * @example
 * ```ts
 * throw new ChatError("permission_denied", `Cannot join room "ops": you were removed by ben.`);
 * ```
 */
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

/** What a server said went wrong, as its transport brought it: none of it can be trusted. */
export interface SaidError {
  readonly code: ChatErrorCode;
  readonly message: string;
  /** In milliseconds. */
  readonly retryAfterMs: number | undefined;
  readonly cause?: unknown;
}

const longestMessage = 2_000;
/** No server can make a client wait for longer, in milliseconds. */
export const longestRetryAfterMs = 10 * 60 * 1000;

/** The error that a server sent, with a message that is one line and can do nothing to a terminal. */
export function saidError({ code, message, retryAfterMs, cause }: SaidError): ChatError {
  return new ChatError(code, sanitizeLine(message.slice(0, longestMessage)), {
    ...(cause !== undefined && { cause }),
    ...(retryAfterMs !== undefined && retryAfterMs > 0 &&
      { retryAfterMs: Math.min(retryAfterMs, longestRetryAfterMs) }),
  });
}

/** Whether a server's word is a code that this program knows. */
export function isChatErrorCode(code: unknown): code is ChatErrorCode {
  return chatErrorCodes.includes(code as ChatErrorCode);
}
