import type { ServiceError } from "@grpc/grpc-js";
import type { ChatError } from "../core/chat_error.ts";
import { toReceivedError } from "./received_error.ts";

/** Returns the error with which a call of grpc-js failed as an error of the chat. */
export function fromServiceError(error: ServiceError): ChatError {
  const metadata = (name: string) => error.metadata?.get(name)[0]?.toString();
  return toReceivedError({ code: error.code, details: error.details || error.message, metadata }, error);
}

/** Returns the reason why there is no connection, without the words that grpc-js writes around it. */
export function withoutWrapping(message: string): string {
  return message.replace(/^No connection established\. Last error: (Error: )?/, "")
    .replace(/\.? *Resolution note:.*$/s, "");
}
