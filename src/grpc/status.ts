import { Metadata, type ServiceError, status, type StatusObject } from "@grpc/grpc-js";
import { type ChatError, type ChatErrorCode, toChatError } from "../core/chat_error.ts";
import { codeKey, retryKey, toReceivedError } from "./received_error.ts";

export { codeKey };

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

/** What a client's call failed with, as an error of the chat. */
export function fromServiceError(error: ServiceError): ChatError {
  const metadata = (name: string) => error.metadata?.get(name)[0]?.toString();
  return toReceivedError({ code: error.code, details: error.details || error.message, metadata }, error);
}

/** Why there is no connection, without what grpc-js writes around it. */
export function withoutWrapping(message: string): string {
  return message.replace(/^No connection established\. Last error: (Error: )?/, "")
    .replace(/\.? *Resolution note:.*$/s, "");
}
