import { ChatError, type ChatErrorCode, isChatErrorCode, reportedError } from "../../core/chat_error.ts";
import type { ReceivedStatus } from "../http2/client_stream.ts";
import { GrpcStatus } from "../http2/grpc_status.ts";
import { codeKey, retryKey } from "../status.ts";
import { connectReason } from "./connect_reason.ts";
import { isProxyPage, proxyPageReason } from "./proxy_page.ts";

/** Error codes by status, for a status without `chatd-error-code`, such as one of a proxy. */
const codeOf: Partial<Record<number, ChatErrorCode>> = {
  [GrpcStatus.cancelled]: "unavailable",
  [GrpcStatus.invalidArgument]: "invalid_argument",
  [GrpcStatus.deadlineExceeded]: "unavailable",
  [GrpcStatus.notFound]: "not_found",
  [GrpcStatus.alreadyExists]: "already_exists",
  [GrpcStatus.permissionDenied]: "permission_denied",
  [GrpcStatus.resourceExhausted]: "rate_limited",
  [GrpcStatus.unimplemented]: "unsupported_version",
  [GrpcStatus.unavailable]: "unavailable",
  [GrpcStatus.unauthenticated]: "unauthenticated",
};

/** The words of grpc-js for an answer that is not of gRPC. */
const isHttpStatus = /^Received HTTP status code \d/;

/** Converts the status of a client's call to an error of the chat. */
export function toReceivedError(status: ReceivedStatus, cause?: unknown): ChatError {
  const said = status.metadata(codeKey);
  const retryAfter = status.metadata(retryKey);
  return reportedError({
    code: isChatErrorCode(said) ? said : guessCode(status),
    message: isProxyPage(status.details)
      ? proxyPageReason
      : status.details || `The server answered with status ${status.code}.`,
    retryAfterMs: retryAfter === undefined ? undefined : Number(retryAfter),
    cause,
  });
}

/** Converts like {@link toReceivedError}; an error that does not come from a chatd server names its address. */
export function explainFailure(
  status: ReceivedStatus,
  { address, cause }: { address: string; cause?: unknown },
): ChatError {
  const known = toReceivedError(status, cause);
  if (status.metadata(codeKey) !== undefined || known.code === "invalid_argument") return known;
  if (known.code === "unavailable") {
    return new ChatError("unavailable", `Cannot reach the server at ${address}: ${connectReason(known.message)}.`, {
      cause,
    });
  }
  const said = known.message.replace(/\.$/, "");
  const message =
    `The server at ${address} refused the call (${said}): check that a chatd server of this version is there.`;
  return new ChatError(known.code, message, { cause, retryAfterMs: known.retryAfterMs });
}

function guessCode({ code, details }: ReceivedStatus): ChatErrorCode {
  if (isProxyPage(details) || isHttpStatus.test(details)) return "unavailable";
  // The frame is too long: sending it again is useless.
  if (code === GrpcStatus.resourceExhausted && /message larger than max/i.test(details)) return "invalid_argument";
  return codeOf[code] ?? "internal";
}
