import { ChatError, type ChatErrorCode, isChatErrorCode, reportedError } from "../core/chat_error.ts";
import type { Error as ErrorMessage } from "../gen/chatd/v1/session.ts";

/** Returns the error that a server sent. A code that this client does not know becomes `internal`. */
export function serverError(error: ErrorMessage | undefined): ChatError {
  if (!error) return new ChatError("internal", "The server reported an error without naming it.");
  const { code, message, retryAfterMs } = error;
  return reportedError({
    code: isChatErrorCode(code) ? code : "internal",
    message: message || `The server refused this (${code || "no code"}).`,
    retryAfterMs,
  });
}

const fatalCodes: ReadonlySet<ChatErrorCode> = new Set([
  "unauthenticated",
  "token_revoked",
  "session_replaced",
  "unsupported_version",
  "permission_denied",
  "invalid_argument",
  "limit_reached",
]);

/** Reports whether an error ends the client for good: a new connection would end with it again. */
export function isFatal(error: ChatError): boolean {
  return fatalCodes.has(error.code);
}

const transientCodes: ReadonlySet<ChatErrorCode> = new Set(["rate_limited", "busy", "storage_full", "unavailable"]);

/** Reports whether the same message may be accepted later. */
export function isTransient(error: ChatError): boolean {
  return transientCodes.has(error.code);
}
