import type { ServiceError } from "@grpc/grpc-js";
import type { ReceivedStatus } from "../http2/client_stream.ts";

/** Converts an error of grpc-js to a status, without the words that grpc-js puts around the reason. */
export function statusOf(error: ServiceError): ReceivedStatus {
  const details = (error.details || error.message)
    .replace(/^No connection established\. Last error: (Error: )?/, "")
    .replace(/\.? *Resolution note:.*$/s, "");
  return { code: error.code, details, metadata: (name) => error.metadata?.get(name)[0]?.toString() };
}
