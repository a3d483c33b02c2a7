import { type ChatErrorCode, toChatError } from "../core/chat_error.ts";
import { GrpcStatus } from "./http2/grpc_status.ts";
import type { CallStatus } from "./http2/server_call.ts";

/** Metadata key of the exact error code. */
export const codeKey = "chatd-error-code";
/** Metadata key of the wait before a retry, in milliseconds. */
export const retryKey = "chatd-retry-after-ms";

/** gRPC statuses by error code; the metadata `chatd-error-code` has the exact code. */
const statusOf: Record<ChatErrorCode, GrpcStatus> = {
  invalid_argument: GrpcStatus.invalidArgument,
  unauthenticated: GrpcStatus.unauthenticated,
  permission_denied: GrpcStatus.permissionDenied,
  not_found: GrpcStatus.notFound,
  already_exists: GrpcStatus.alreadyExists,
  message_id_conflict: GrpcStatus.alreadyExists,
  message_id_expired: GrpcStatus.failedPrecondition,
  message_id_in_future: GrpcStatus.failedPrecondition,
  rate_limited: GrpcStatus.resourceExhausted,
  limit_reached: GrpcStatus.resourceExhausted,
  busy: GrpcStatus.unavailable,
  storage_full: GrpcStatus.resourceExhausted,
  registration_closed: GrpcStatus.permissionDenied,
  invite_invalid: GrpcStatus.permissionDenied,
  token_revoked: GrpcStatus.unauthenticated,
  session_replaced: GrpcStatus.aborted,
  slow_consumer: GrpcStatus.resourceExhausted,
  unsupported_version: GrpcStatus.failedPrecondition,
  unavailable: GrpcStatus.unavailable,
  internal: GrpcStatus.internal,
};

/** Returns the status of a call that failed with `thrown`. Errors other than `ChatError` are shown without detail. */
export function toStatus(thrown: unknown): CallStatus {
  const error = toChatError(thrown);
  const metadata: [string, string][] = [[codeKey, error.code]];
  if (error.retryAfterMs !== undefined) metadata.push([retryKey, String(Math.ceil(error.retryAfterMs))]);
  return { code: statusOf[error.code], details: error.message, metadata };
}
