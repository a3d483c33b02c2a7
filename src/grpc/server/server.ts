import { calmLog } from "../../core/calm_log.ts";
import type { Chat } from "../../core/chat.ts";
import type { Log } from "../../core/log.ts";
import { maxFrameBytes } from "../../wire/limits.ts";
import { callbackDialler } from "../callback/dial_callback.ts";
import { Acceptor } from "./acceptor.ts";
import { AnswerDeadline, standardAnswerDeadlineMs } from "./answer_deadline.ts";
import { type BeginSpan, CallRouter } from "./call_router.ts";
import type { Device } from "./client_connection.ts";
import { connectMethod } from "./connect_method.ts";
import { ConnectionGuard, type ConnectionGuardOptions, standardLimits } from "./connection_guard.ts";
import { fileMethods } from "./file_methods.ts";
import { Health } from "./health.ts";
import type { IncomingCall, MethodTable } from "./incoming_call.ts";
import { Keepalive } from "./keepalive.ts";
import { type CallLimits, OpenCalls, standardCallLimits } from "./open_calls.ts";
import { reflectionMethods } from "./reflection.ts";
import { userConnectionWindow, userQueuedBytes } from "./server_limits.ts";
import { StrangerCalls } from "./stranger_calls.ts";
import { type StrangersLimits, strangersLimits } from "./strangers_budget.ts";
import type { ServerCertificates } from "./tls_acceptor.ts";
import { authMethods, chatMethods, recognize, type UnaryOptions } from "./unary_methods.ts";
import { WatchedListener } from "./watched_listener.ts";

export interface GrpcServerOptions {
  chat: Chat;
  log: Log;
  /** Name and version of the program, shown to clients. */
  server: string;
  listen: { host: string; port: number };
  tls?: ServerCertificates;
  defer(callback: () => void): void;
  /** Call back clients that ask for it; true unless given. */
  callback?: boolean;
  /** Begins a span for each call; no spans unless given. */
  beginSpan?: BeginSpan;
  /** For tests; `standardLimits` unless given. */
  connectionLimits?: ConnectionGuardOptions;
  /** For tests; `standardCallLimits` unless given. */
  callLimits?: CallLimits;
  /** For tests; `strangersLimits` unless given. */
  strangers?: StrangersLimits;
  /** For tests; `standardAnswerDeadlineMs` unless given. */
  answerDeadlineMs?: number;
}

/** A listening gRPC server. Closed by its opener. */
export interface GrpcServer {
  /** The port in use. */
  readonly port: number;
  /** Number of open connections. */
  readonly connections: number;
  /** Octets of answers that clients have not taken yet. */
  readonly unreadBytes: number;
  /** Whether new connections are accepted. */
  readonly isListening: boolean;
  /** Uses other certificates, which must have been checked, from the next handshake on. */
  renewCertificates(certificates: ServerCertificates): void;
  /** Stops listening, lets calls end within `deadlineMs`, and cancels the rest. Idempotent. */
  close(options: { deadlineMs: number }): Promise<void>;
}

const chatServices = ["chatd.v1.ChatService", "chatd.v1.AuthService", "chatd.v1.FileService"];

/** Interval of closing connections without a user or an open call while the server stops, in milliseconds. */
const idleDrainMs = 1_000;

/**
 * Starts a server.
 * @throws {ChatError} `unavailable` when it cannot listen on the address
 *
 * @example
 * ```ts
 * import type { Chat } from "../../core/chat.ts";
 * import { silentLog } from "../../core/log.ts";
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
  const log = calmLog(options.log);
  const strangers = new StrangerCalls(options.strangers ?? strangersLimits);
  const openCalls = new OpenCalls(options.callLimits ?? standardCallLimits);
  const guard = new ConnectionGuard(
    options.connectionLimits ?? standardLimits,
    (connection) => strangers.chargeStranger(connection),
  );
  options.chat.accounts.onRevoked((revocation) => guard.endRevoked(revocation));
  const onLogIn = (call: IncomingCall, device: Device) => {
    guard.loggedIn(call.connection, device);
    // Also for a refused call: others use the connection.
    call.connection.http2?.enlargeWindow(userConnectionWindow);
    call.connection.http2?.enlargeQueue(userQueuedBytes);
    openCalls.assignTo(call, device.user);
    call.isLoggedIn = true;
  };
  const health = new Health(chatServices);
  const shared = { ...options, log, onLogIn };
  const methods = methodTable(shared, { health, strangers });
  const router = new CallRouter({
    methods,
    openCalls,
    strangers,
    maxMessageBytes: maxFrameBytes,
    onCall: (call) => void recognize(shared, call),
    beginSpan: options.beginSpan,
  });
  const acceptor = new Acceptor({
    guard,
    strangers,
    tls: options.tls,
    log,
    defer: options.defer,
    onRequest: (connection, begun) => router.route(connection, begun),
  });
  const listener = await WatchedListener.open({
    ...options.listen,
    log: options.log,
    onConnection: (socket) => acceptor.accept(socket),
  });
  const keepalive = new Keepalive(guard.connections);
  const answerDeadline = new AnswerDeadline(openCalls, options.answerDeadlineMs ?? standardAnswerDeadlineMs);
  return {
    port: listener.port,
    get connections() {
      return guard.connections.size;
    },
    get unreadBytes() {
      return openCalls.unreadBytes;
    },
    get isListening() {
      return listener.isListening;
    },
    renewCertificates: (certificates) => acceptor.renew(certificates),
    close: async ({ deadlineMs }) => {
      health.stop();
      const stopped = listener.close();
      guard.drain(deadlineMs);
      const idle = setInterval(() => guard.closeIdle(), idleDrainMs);
      await Promise.all([stopped, guard.empty()]);
      clearInterval(idle);
      keepalive[Symbol.dispose]();
      answerDeadline[Symbol.dispose]();
    },
  };
}

/** Returns the methods of all services. */
function methodTable(
  options: GrpcServerOptions & UnaryOptions,
  { health, strangers }: { health: Health; strangers: StrangerCalls },
): MethodTable {
  const { log, callback } = options;
  const connect = connectMethod({
    ...options,
    dialCallback: callback === false ? undefined : callbackDialler({ log }),
  });
  return new Map([
    ...chatMethods(options, connect),
    ...authMethods(options),
    ...fileMethods(options),
    ...health.methods,
    ...reflectionMethods({
      services: [...chatServices, "grpc.health.v1.Health"],
      admit: (connection, answerBytes) => strangers.admitReflection(connection, Math.ceil(answerBytes / 1024)),
    }),
  ]);
}
