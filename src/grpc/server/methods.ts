import { GrpcStatus } from "../http2/grpc_status.ts";
import { type MethodDefinition, type MethodName, pathOf, type ServiceDefinition } from "../service_definition.ts";
import type { CallHandler, IncomingCall, Method } from "./incoming_call.ts";

/** Answers one message with one message. The request is encoded. An error that it throws ends the call. */
export type Responder = (request: Uint8Array, call: IncomingCall) => Promise<unknown>;

/** Statuses for calls of methods that take one message. */
export const tooManyMessages = { code: GrpcStatus.invalidArgument, details: "This method takes one message." };
export const noMessage = { code: GrpcStatus.invalidArgument, details: "This method takes a message, and none came." };

/** An implementation of a method: a {@link Responder} for a unary one. */
export type Implementation = { readonly respond: Responder } | { readonly open: Method };

/** Returns a row for each method of a service. */
export function methodsOf<Service extends ServiceDefinition>(
  service: Service,
  implementation: Record<MethodName<Service>, Implementation>,
): [path: string, method: Method][] {
  return Object.entries(service.methods).map(([name, definition]) => {
    const own = implementation[name as MethodName<Service>];
    return [pathOf(service, name), "open" in own ? own.open : (call) => unary(call, definition, own.respond)];
  });
}

function unary(call: IncomingCall, definition: MethodDefinition, respond: Responder): CallHandler {
  let request: Uint8Array | undefined;
  const answer = async (request: Uint8Array) => {
    try {
      call.send(definition.responseType.encode(await respond(request, call)).finish());
      call.end();
    } catch (error) {
      call.fail(error);
    }
  };
  return {
    onMessage(message) {
      if (request !== undefined) return call.end(tooManyMessages);
      request = message.slice();
      call.keep(message.length);
    },
    onHalfClose() {
      if (request !== undefined) void answer(request);
      else call.end(noMessage);
    },
  };
}
