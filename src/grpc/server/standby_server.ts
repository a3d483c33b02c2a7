import { ChatError } from "../../core/chat_error.ts";
import { AuthServiceDefinition } from "../../gen/chatd/v1/auth_service.ts";
import { ChatServiceDefinition } from "../../gen/chatd/v1/chat_service.ts";
import { FileServiceDefinition } from "../../gen/chatd/v1/files_service.ts";
import { pathOf } from "../service_definition.ts";
import type { CallHandler, IncomingCall } from "./incoming_call.ts";
import { type GrpcServer, serveCalls, type ServeCallsOptions } from "./serve_calls.ts";

/** How long clients should wait before they try this server again, in milliseconds. */
const retryAfterMs = 1_000;

export interface StandbyServerOptions extends ServeCallsOptions {
  /** Returns why this server does not serve now, as a sentence for people. */
  reason(): string;
}

/**
 * Starts the server of a node that stands by: its health is NOT_SERVING, and every call of a chat's method ends with
 * `unavailable`, so that clients try another server.
 * @throws {ChatError} `unavailable` when it cannot listen on the address
 */
export async function startStandbyServer({ reason, ...options }: StandbyServerOptions): Promise<GrpcServer> {
  const refuse = (call: IncomingCall): CallHandler => {
    call.fail(new ChatError("unavailable", reason(), { retryAfterMs }));
    return { onMessage() {}, onHalfClose() {} };
  };
  const services = [ChatServiceDefinition, AuthServiceDefinition, FileServiceDefinition];
  const paths = services.flatMap((service) =>
    Object.keys(service.methods).map((name) => pathOf(service, name as never))
  );
  return await serveCalls(options, () => ({ methods: paths.map((path) => [path, refuse]), isServing: false }));
}
