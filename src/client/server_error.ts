import { ChatError, type ChatErrorCode, isChatErrorCode, reportedError } from "../core/chat_error.ts";
import type { Error as ErrorMessage } from "../gen/chatd/v1/session.ts";

/** The error that a server sent; a code of a newer server that this client does not know becomes `internal`. */
export function serverError(error: ErrorMessage | undefined): ChatError {
  if (!error) return new ChatError("internal", "The server reported an error without saying which.");
  const { code, message, retryAfterMs } = error;
  return reportedError({
    code: isChatErrorCode(code) ? code : "internal",
    message: message || `The server refused this (${code || "no code"}).`,
    retryAfterMs,
  });
}

const ending: ReadonlySet<ChatErrorCode> = new Set([
  "unauthenticated",
  "token_revoked",
  "session_replaced",
  "unsupported_version",
  "permission_denied",
  "invalid_argument",
  "limit_reached",
]);

/** Whether connecting again cannot help after a hello or a session that ended like this. */
export function endsClient(error: ChatError): boolean {
  return ending.has(error.code);
}

const passing: ReadonlySet<ChatErrorCode> = new Set(["rate_limited", "busy", "storage_full", "unavailable"]);

/** Whether the same message may be accepted when it is sent again later. */
export function mayPass(error: ChatError): boolean {
  return passing.has(error.code);
}
