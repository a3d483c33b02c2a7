import type { ServiceError } from "@grpc/grpc-js";
import { type ChatError, type ChatErrorCode, isChatErrorCode, saidError } from "../core/chat_error.ts";
import { GrpcStatus } from "./http2/grpc_status.ts";
import { isProxyPage, proxyPageReason } from "./proxy_page.ts";
import { codeKey, retryKey } from "./status.ts";

/** The error of each status without `chatd-error-code`, such as those of a proxy. */
const codeOf: Partial<Record<number, ChatErrorCode>> = {
  [GrpcStatus.invalidArgument]: "invalid_argument",
  [GrpcStatus.unauthenticated]: "unauthenticated",
  [GrpcStatus.permissionDenied]: "permission_denied",
  [GrpcStatus.notFound]: "not_found",
  [GrpcStatus.alreadyExists]: "already_exists",
  [GrpcStatus.resourceExhausted]: "rate_limited",
  [GrpcStatus.unimplemented]: "unsupported_version",
  [GrpcStatus.unavailable]: "unavailable",
  [GrpcStatus.deadlineExceeded]: "unavailable",
  [GrpcStatus.cancelled]: "unavailable",
};

/** Returns the error with which a client's call failed as an error of the chat. */
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
  // grpc-js words the refusal of a frame that is too long like this: sending it again is no use.
  if (code === GrpcStatus.resourceExhausted && /message larger than max/i.test(details)) return "invalid_argument";
  return codeOf[code] ?? "internal";
}

/** Returns the reason why there is no connection, without the words that grpc-js writes around it. */
export function withoutWrapping(message: string): string {
  return message.replace(/^No connection established\. Last error: (Error: )?/, "")
    .replace(/\.? *Resolution note:.*$/s, "");
}
