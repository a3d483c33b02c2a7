import type { ServiceError } from "@grpc/grpc-js";
import type { ChatError } from "../core/chat_error.ts";
import type { ReceivedStatus } from "./http2/client_stream.ts";
import { toReceivedError } from "./received_error.ts";

/** Returns the status with which a call of grpc-js failed, without the words that grpc-js writes around a reason. */
export function statusOf(error: ServiceError): ReceivedStatus {
  const details = (error.details || error.message)
    .replace(/^No connection established\. Last error: (Error: )?/, "")
    .replace(/\.? *Resolution note:.*$/s, "");
  return { code: error.code, details, metadata: (name) => error.metadata?.get(name)[0]?.toString() };
}

/** Returns the error with which a call of grpc-js failed as an error of the chat. */
export function fromServiceError(error: ServiceError): ChatError {
  return toReceivedError(statusOf(error), error);
}
