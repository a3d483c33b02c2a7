import { ChatError, type ChatErrorCode } from "../core/chat_error.ts";
import type { Error as ErrorMessage } from "../gen/chatd/v1/session.ts";

const codes: Record<ChatErrorCode, true> = {
  invalid_argument: true,
  unauthenticated: true,
  permission_denied: true,
  not_found: true,
  already_exists: true,
  message_id_conflict: true,
  message_id_expired: true,
  message_id_in_future: true,
  rate_limited: true,
  limit_reached: true,
  busy: true,
  storage_full: true,
  registration_closed: true,
  invite_invalid: true,
  token_revoked: true,
  session_replaced: true,
  slow_consumer: true,
  unsupported_version: true,
  unavailable: true,
  internal: true,
};

/** The error that a server sent; a code of a newer server that this client does not know becomes `internal`. */
export function serverError(error: ErrorMessage | undefined): ChatError {
  if (!error) return new ChatError("internal", "The server reported an error without saying which.");
  const code = Object.hasOwn(codes, error.code) ? error.code as ChatErrorCode : "internal";
  const message = error.message || `The server refused this (${error.code || "no code"}).`;
  return new ChatError(code, message, error.retryAfterMs > 0 ? { retryAfterMs: error.retryAfterMs } : {});
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
