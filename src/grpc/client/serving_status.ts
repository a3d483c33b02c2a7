import { ChatError } from "../../core/chat_error.ts";
import {
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../gen/grpc/health/v1/health.ts";

/** @throws {ChatError} `unavailable` if a server says that it does not serve */
export function requireStatus({ status }: HealthCheckResponse, address: string): void {
  if (status === ServingStatus.SERVING) return;
  throw new ChatError("unavailable", `The server at ${address} does not serve now: it stands by, or stops.`);
}
