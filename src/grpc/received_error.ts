import { type ChatError, type ChatErrorCode, isChatErrorCode, saidError } from "../core/chat_error.ts";
import type { ReceivedStatus } from "./http2/client_stream.ts";

/** The metadata that names the exact error of a status. */
export const codeKey = "chatd-error-code";
export const retryKey = "chatd-retry-after-ms";

/** Errors for the status codes of gRPC, of servers that do not say `chatd-error-code`, such as a proxy in between. */
const codeOf: Partial<Record<number, ChatErrorCode>> = {
  1: "unavailable", // CANCELLED
  3: "invalid_argument",
  4: "unavailable", // DEADLINE_EXCEEDED
  5: "not_found",
  6: "already_exists",
  7: "permission_denied",
  8: "rate_limited", // RESOURCE_EXHAUSTED
  12: "unsupported_version", // UNIMPLEMENTED
  14: "unavailable",
  16: "unauthenticated",
};

/** Returns the status of a client's call as an error of the chat. */
export function toReceivedError(status: ReceivedStatus, cause?: unknown): ChatError {
  const said = status.metadata(codeKey);
  const retryAfter = status.metadata(retryKey);
  return saidError({
    code: isChatErrorCode(said) ? said : guessCode(status),
    message: status.details || `The server answered with status ${status.code}.`,
    retryAfterMs: retryAfter === undefined ? undefined : Number(retryAfter),
    cause,
  });
}

function guessCode({ code, details }: ReceivedStatus): ChatErrorCode {
  // Said of a frame that is too long: sending it again is no use.
  if (code === 8 && /message larger than max/i.test(details)) return "invalid_argument";
  return codeOf[code] ?? "internal";
}
