import { calmLog } from "../../core/calm_log.ts";
import type { Log } from "../../core/log.ts";
import { maxFrameBytes } from "../../wire/limits.ts";
import { Acceptor } from "./acceptor.ts";
import { AnswerDeadline, standardAnswerDeadlineMs } from "./answer_deadline.ts";
import { type BeginSpan, CallRouter } from "./call_router.ts";
import { ConnectionGuard, type ConnectionGuardOptions, standardLimits } from "./connection_guard.ts";
import { Health } from "./health.ts";
import type { IncomingCall, Method, MethodTable } from "./incoming_call.ts";
import { Keepalive } from "./keepalive.ts";
import { type CallLimits, OpenCalls, standardCallLimits } from "./open_calls.ts";
import { reflectionMethods } from "./reflection.ts";
import { StrangerCalls } from "./stranger_calls.ts";
import { type StrangersLimits, strangersLimits } from "./strangers_budget.ts";
import type { ServerCertificates } from "./tls_acceptor.ts";
import { WatchedListener } from "./watched_listener.ts";

export interface ServeCallsOptions {
  log: Log;
  listen: { host: string; port: number };
  tls?: ServerCertificates;
  defer(callback: () => void): void;
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

/** The records of connections and calls. */
export interface CallGuards {
  readonly guard: ConnectionGuard;
  readonly openCalls: OpenCalls;
  /** Logs few lines of each kind. */
  readonly log: Log;
}

/** The services of a chat, besides those for health and reflection. */
export interface ChatServices {
  readonly methods: readonly [path: string, method: Method][];
  /** Whether the health service reports them as serving. */
  readonly isServing: boolean;
  /** Called when a call was admitted; its message may still be under way. */
  onCall?(call: IncomingCall): void;
}

const chatServices = ["chatd.v1.ChatService", "chatd.v1.AuthService", "chatd.v1.FileService"];

/** Interval of closing connections without a user or an open call while the server stops, in milliseconds. */
const idleDrainMs = 1_000;

/**
 * Listens, and serves calls of the methods of a chat.
 * @throws {ChatError} `unavailable` when it cannot listen on the address
 */
export async function serveCalls(
  options: ServeCallsOptions,
  makeServices: (guards: CallGuards) => ChatServices,
): Promise<GrpcServer> {
  const log = calmLog(options.log);
  const strangers = new StrangerCalls(options.strangers ?? strangersLimits);
  const openCalls = new OpenCalls(options.callLimits ?? standardCallLimits);
  const guard = new ConnectionGuard(
    options.connectionLimits ?? standardLimits,
    (connection) => strangers.chargeStranger(connection),
  );
  const services = makeServices({ guard, openCalls, log });
  const health = new Health(chatServices, services);
  const methods: MethodTable = new Map([
    ...services.methods,
    ...health.methods,
    ...reflectionMethods({
      services: [...chatServices, "grpc.health.v1.Health"],
      admit: (connection, answerBytes) => strangers.admitReflection(connection, Math.ceil(answerBytes / 1024)),
    }),
  ]);
  const router = new CallRouter({
    methods,
    openCalls,
    strangers,
    maxMessageBytes: maxFrameBytes,
    onCall: (call) => services.onCall?.(call),
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
