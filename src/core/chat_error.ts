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
  /** A quota is used up. */
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
 * Codes of errors that users can cause or meet. They are part of the protocol: `docs/grpc.md` lists them, and every
 * transport passes them on unchanged.
 */
export type ChatErrorCode = typeof chatErrorCodes[number];

export interface ChatErrorOptions extends ErrorOptions {
  /** Time until a retry may succeed, in milliseconds. */
  retryAfterMs?: number;
}

/**
 * An error for the person who caused or met it; its message names the next step.
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

/** Returns a `ChatError` as it is, and an `internal` error without detail for anything else. */
export function toChatError(thrown: unknown): ChatError {
  if (thrown instanceof ChatError) return thrown;
  return new ChatError("internal", "Internal error. The server's log has the details.", { cause: thrown });
}

/** An error as a server reported it; untrusted. */
export interface ReportedError {
  readonly code: ChatErrorCode;
  readonly message: string;
  /** In milliseconds. */
  readonly retryAfterMs: number | undefined;
  readonly cause?: unknown;
}

const longestMessage = 2_000;
/** Longest wait that a server can impose on a client, in milliseconds. */
export const longestRetryAfterMs = 10 * 60 * 1000;

/** Converts an error from a server, sanitizing its message to one line that is harmless to a terminal. */
export function reportedError({ code, message, retryAfterMs, cause }: ReportedError): ChatError {
  return new ChatError(code, sanitizeLine(message.slice(0, longestMessage)), {
    ...(cause !== undefined && { cause }),
    ...(retryAfterMs !== undefined && retryAfterMs > 0 &&
      { retryAfterMs: Math.min(retryAfterMs, longestRetryAfterMs) }),
  });
}

/** Returns whether this program knows the code. */
export function isChatErrorCode(code: unknown): code is ChatErrorCode {
  return chatErrorCodes.includes(code as ChatErrorCode);
}
