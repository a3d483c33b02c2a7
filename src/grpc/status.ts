import { Metadata, type ServiceError, status, type StatusObject } from "@grpc/grpc-js";
import { type ChatError, type ChatErrorCode, isChatErrorCode, saidError, toChatError } from "../core/chat_error.ts";
import { isProxyPage, proxyPageReason } from "./proxy_page.ts";

/** The metadata that names the exact error of a status. */
export const codeKey = "chatd-error-code";
const retryKey = "chatd-retry-after-ms";

/** The gRPC status of each error; the exact code goes along as metadata `chatd-error-code`. */
const statusOf: Record<ChatErrorCode, status> = {
  invalid_argument: status.INVALID_ARGUMENT,
  unauthenticated: status.UNAUTHENTICATED,
  permission_denied: status.PERMISSION_DENIED,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  message_id_conflict: status.ALREADY_EXISTS,
  message_id_expired: status.FAILED_PRECONDITION,
  message_id_in_future: status.FAILED_PRECONDITION,
  rate_limited: status.RESOURCE_EXHAUSTED,
  limit_reached: status.RESOURCE_EXHAUSTED,
  busy: status.UNAVAILABLE,
  storage_full: status.RESOURCE_EXHAUSTED,
  registration_closed: status.PERMISSION_DENIED,
  invite_invalid: status.PERMISSION_DENIED,
  token_revoked: status.UNAUTHENTICATED,
  session_replaced: status.ABORTED,
  slow_consumer: status.RESOURCE_EXHAUSTED,
  unsupported_version: status.FAILED_PRECONDITION,
  unavailable: status.UNAVAILABLE,
  internal: status.INTERNAL,
};

/** What to say to a gRPC client. Errors that are not `ChatError` are shown without detail. */
export function toStatus(thrown: unknown): StatusObject {
  const error = toChatError(thrown);
  const metadata = new Metadata();
  metadata.set(codeKey, error.code);
  if (error.retryAfterMs !== undefined) metadata.set(retryKey, String(Math.ceil(error.retryAfterMs)));
  return { code: statusOf[error.code], details: error.message, metadata };
}

/** For servers that do not say `chatd-error-code`, such as a proxy in between. */
const codeOf: Partial<Record<status, ChatErrorCode>> = {
  [status.INVALID_ARGUMENT]: "invalid_argument",
  [status.UNAUTHENTICATED]: "unauthenticated",
  [status.PERMISSION_DENIED]: "permission_denied",
  [status.NOT_FOUND]: "not_found",
  [status.ALREADY_EXISTS]: "already_exists",
  [status.RESOURCE_EXHAUSTED]: "rate_limited",
  [status.UNIMPLEMENTED]: "unsupported_version",
  [status.UNAVAILABLE]: "unavailable",
  [status.DEADLINE_EXCEEDED]: "unavailable",
  [status.CANCELLED]: "unavailable",
};

/** What a client's call failed with, as an error of the chat. */
export function fromServiceError(error: ServiceError): ChatError {
  const [said] = error.metadata?.get(codeKey) ?? [];
  const [retryAfter] = error.metadata?.get(retryKey) ?? [];
  return saidError({
    code: isChatErrorCode(said) ? said : guessCode(error),
    message: isProxyPage(error.details) ? proxyPageReason : error.details || error.message,
    retryAfterMs: retryAfter === undefined ? undefined : Number(retryAfter),
    cause: error,
  });
}

function guessCode({ code, details }: ServiceError): ChatErrorCode {
  if (isProxyPage(details)) return "unavailable";
  // grpc-js says this of a frame that is too long: sending it again is no use.
  if (code === status.RESOURCE_EXHAUSTED && /message larger than max/i.test(details)) return "invalid_argument";
  return codeOf[code] ?? "internal";
}

/** Why there is no connection, without what grpc-js writes around it. */
export function withoutWrapping(message: string): string {
  return message.replace(/^No connection established\. Last error: (Error: )?/, "")
    .replace(/\.? *Resolution note:.*$/s, "");
}
