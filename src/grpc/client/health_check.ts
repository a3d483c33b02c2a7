import { isIP } from "node:net";
import { ChatError } from "../../core/chat_error.ts";
import {
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthDefinition,
} from "../../gen/grpc/health/v1/health.ts";
import { withDeadline } from "../../core/with_deadline.ts";
import { CallError } from "../http2/client_call.ts";
import { connectReason } from "./connect_reason.ts";
import { toReceivedError } from "./received_error.ts";
import { ServerConnection } from "./server_connection.ts";
import { addressOf } from "./transport_options.ts";
import { callMethod, unaryMethod } from "./unary_call.ts";
import { UnverifiedTls } from "./unverified_tls.ts";

const deadlineMs = 5_000;
/** A response has one number; the rest is room for fields of later versions. */
const maxMessageBytes = 1_024;

const check = unaryMethod(HealthDefinition, "check");

export interface CheckedServer {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/**
 * Checks whether a server is serving, through the standard health service. Its certificate is not verified: the request
 * contains no secret, and the response is not trusted.
 * @throws {ChatError} `unavailable` with the reason when no health service answers within 5 s
 */
export async function checkHealth(server: CheckedServer): Promise<boolean> {
  return await withDeadline({ ms: deadlineMs }, async (signal) => {
    try {
      return await ask(server, signal) === ServingStatus.SERVING;
    } catch (cause) {
      const reason = signal.aborted ? `There was no answer within ${deadlineMs / 1_000} s.` : reasonOf(cause);
      throw new ChatError("unavailable", reason, { cause });
    }
  });
}

async function ask({ host, port, tls }: CheckedServer, signal: AbortSignal): Promise<ServingStatus> {
  // TLS does not accept an address as a server name.
  const name = isIP(host) === 0 ? host : "localhost";
  const security = tls ? new UnverifiedTls(name) : undefined;
  const connection = await ServerConnection.open({ host, port, tls: security, maxMessageBytes, signal });
  try {
    const { status } = await callMethod(connection, {
      method: check,
      request: { service: "" },
      scheme: tls ? "https" : "http",
      authority: tls ? name : addressOf({ host, port }),
      maxMessageBytes,
      signal,
    });
    return status;
  } finally {
    connection.close();
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof CallError) {
    const { code, message } = toReceivedError(error.status);
    return code === "unavailable" ? connectReason(message) : message;
  }
  return connectReason(error instanceof Error ? error.message : String(error));
}
