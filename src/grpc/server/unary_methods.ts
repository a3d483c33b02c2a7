import type { Chat } from "../../core/chat.ts";
import { ChatError, toChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import { LogInRequest, RegisterRequest } from "../../gen/chatd/v1/auth.ts";
import { AuthServiceDefinition } from "../../gen/chatd/v1/auth_service.ts";
import { ChatServiceDefinition } from "../../gen/chatd/v1/chat_service.ts";
import { costOf } from "../../session/request_costs.ts";
import { answer, requestHandlers } from "../../session/request_handlers.ts";
import type { ReplyValues, RequestContext, RequestName, RequestValues } from "../../session/request_types.ts";
import { toWireCredentials } from "../../wire/convert.ts";
import { decodeStrictly, type MessageDecoder } from "../../wire/strict_reader.ts";
import type { MethodName, RequestOf, ResponseOf, ServiceDefinition } from "../service_definition.ts";
import type { Device } from "./client_connection.ts";
import type { IncomingCall, Method } from "./incoming_call.ts";
import { type Implementation, methodsOf, type Responder } from "./methods.ts";

export interface UnaryOptions {
  chat: Chat;
  log: Log;
  /** Called when a device logged in by a call. @throws {ChatError} `limit_reached` when the user has too many calls */
  onLogIn(call: IncomingCall, device: Device): void;
}

/** Returns the methods of ChatService. */
export function chatMethods(options: UnaryOptions, connect: Method): [path: string, method: Method][] {
  return methodsOf(ChatServiceDefinition, withTwins(options, ChatServiceDefinition, { connect: { open: connect } }));
}

/** Returns the methods of AuthService. */
export function authMethods(options: UnaryOptions): [path: string, method: Method][] {
  const { accounts } = options.chat;
  return methodsOf(
    AuthServiceDefinition,
    withTwins(options, AuthServiceDefinition, {
      register: unary(options, RegisterRequest, async (request, call) => {
        const credentials = await accounts.register({ ...request, address: call.connection.address });
        options.onLogIn(call, credentials);
        return { credentials: toWireCredentials(credentials) };
      }),
      logIn: unary(options, LogInRequest, async (request, call) => {
        const credentials = await accounts.logIn({ ...request, address: call.connection.address });
        options.onLogIn(call, credentials);
        return { credentials: toWireCredentials(credentials) };
      }),
    }),
  );
}

/** The methods of a service that are requests of live sessions too: with the same name, request and response. */
type TwinName<Service extends ServiceDefinition> = {
  [Name in MethodName<Service> & RequestName]: RequestOf<Service["methods"][Name]> extends RequestValues[Name]
    ? ReplyValues[Name] extends ResponseOf<Service["methods"][Name]> ? Name : never
    : never;
}[MethodName<Service> & RequestName];

/**
 * Implements a service whose methods are requests of live sessions, but for those in `others`.
 * @throws {TypeError} when a method is neither
 */
export function withTwins<Service extends ServiceDefinition>(
  options: UnaryOptions,
  service: Service,
  others: Record<Exclude<MethodName<Service>, TwinName<Service>>, Implementation>,
): Record<MethodName<Service>, Implementation> {
  const twins = Object.entries(service.methods)
    .filter(([name]) => !Object.hasOwn(others, name))
    .map(([name, { requestType }]) => {
      if (!Object.hasOwn(requestHandlers, name)) throw new TypeError(`No handler answers ${service.fullName}.${name}`);
      return [name, forUser(options, requestType, name as RequestName)];
    });
  return { ...Object.fromEntries(twins), ...others };
}

/** Returns a method that answers a user as a live session does, within the user's rate. */
function forUser<Request>(options: UnaryOptions, type: MessageDecoder<Request>, name: RequestName): Implementation {
  return answering(options, async (bytes, call) => {
    const context = await authenticate(options, call);
    const request = decodeFor(context, type, bytes) as never;
    options.chat.admit(context.identity.user, costOf(name, request));
    return await answer(name, context, request);
  });
}

/** Decodes a request; a malformed one costs the user as much as a small one. */
function decodeFor<Request>({ chat, identity }: RequestContext, type: MessageDecoder<Request>, bytes: Uint8Array) {
  try {
    return decodeStrictly(type, bytes);
  } catch (error) {
    chat.admit(identity.user);
    throw error;
  }
}

/** Returns a method that decodes its request, and answers with the response that `respond` returns. */
export function unary<Request>(
  options: Pick<UnaryOptions, "chat" | "log">,
  type: MessageDecoder<Request>,
  respond: (request: Request, call: IncomingCall) => Promise<unknown>,
): Implementation {
  return answering(options, (bytes, call) => respond(decodeStrictly(type, bytes), call));
}

/** Wraps a responder to count and log failures. */
function answering({ chat, log }: Pick<UnaryOptions, "chat" | "log">, respond: Responder): Implementation {
  return {
    async respond(bytes, call) {
      try {
        return await respond(bytes, call);
      } catch (error) {
        if (!(error instanceof ChatError)) log.error("call failed", { method: call.path, error });
        chat.metrics.refused("grpc", toChatError(error).code);
        throw error;
      }
    },
  };
}

/**
 * Returns the user of the call's token.
 * @throws {ChatError} `unauthenticated` and other errors of `Accounts.authenticate`
 */
export async function authenticate({ chat, onLogIn }: UnaryOptions, call: IncomingCall): Promise<RequestContext> {
  const token = bearerToken(call);
  if (token === undefined) {
    throw new ChatError("unauthenticated", 'This call needs metadata "authorization: Bearer TOKEN": log in first.');
  }
  // In the same turn as the last check for revocations, so that the connection receives every later one.
  const identity = await chat.accounts.authenticate(token, { enter: (identity) => onLogIn(call, identity) });
  return { chat, identity };
}

/**
 * Logs in the first caller of a connection before its message is complete: messages sent in turn may need more of the
 * window than a stranger has. A call that cannot log in is refused by its method.
 */
export async function recognize(options: UnaryOptions, call: IncomingCall): Promise<void> {
  if (call.connection.owner !== undefined || bearerToken(call) === undefined) return;
  await authenticate(options, call).catch(() => {});
}

function bearerToken(call: IncomingCall): string | undefined {
  return /^bearer +(\S+)$/i.exec(call.metadata("authorization") ?? "")?.[1];
}
