import type { Chat } from "../../core/chat.ts";
import { callbackDialler } from "../callback/dial_callback.ts";
import type { Device } from "./client_connection.ts";
import { connectMethod } from "./connect_method.ts";
import { fileMethods } from "./file_methods.ts";
import type { IncomingCall } from "./incoming_call.ts";
import {
  type CallGuards,
  type ChatServices,
  type GrpcServer,
  serveCalls,
  type ServeCallsOptions,
} from "./serve_calls.ts";
import { userConnectionWindow, userQueuedBytes } from "./server_limits.ts";
import { authMethods, chatMethods, recognize } from "./unary_methods.ts";

export interface GrpcServerOptions extends ServeCallsOptions {
  chat: Chat;
  /** Name and version of the program, shown to clients. */
  server: string;
  /** Call back clients that ask for it; true unless given. */
  callback?: boolean;
}

/**
 * Starts a server.
 * @throws {ChatError} `unavailable` when it cannot listen on the address
 *
 * @example
 * ```ts
 * import type { Chat } from "../../core/chat.ts";
 * import { silentLog } from "../../core/log.ts";
 * import type { GrpcServer } from "./serve_calls.ts";
 *
 * // Serves a chat on a free port of this machine.
 * async function serve(chat: Chat): Promise<GrpcServer> {
 *   const listen = { host: "127.0.0.1", port: 0 };
 *   const server = await startGrpcServer({ chat, log: silentLog, server: "example/1.0", listen, defer: setImmediate });
 *   console.log(`gRPC on port ${server.port}`);
 *   return server;
 * }
 * ```
 */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  return await serveCalls(options, (guards) => chatServices(options, guards));
}

function chatServices(options: GrpcServerOptions, { guard, openCalls, log }: CallGuards): ChatServices {
  options.chat.accounts.onRevoked((revocation) => guard.endRevoked(revocation));
  const onLogIn = (call: IncomingCall, device: Device) => {
    guard.loggedIn(call.connection, device);
    // Also for a refused call: others use the connection.
    call.connection.http2?.enlargeWindow(userConnectionWindow);
    call.connection.http2?.enlargeQueue(userQueuedBytes);
    openCalls.assignTo(call, device.user);
    call.isLoggedIn = true;
  };
  const shared = { ...options, log, onLogIn };
  const dialCallback = options.callback === false ? undefined : callbackDialler({ log });
  return {
    methods: [
      ...chatMethods(shared, connectMethod({ ...shared, dialCallback })),
      ...authMethods(shared),
      ...fileMethods(shared),
    ],
    isServing: true,
    onCall: (call) => void recognize(shared, call),
  };
}
