import type { Socket } from "node:net";
import { calmLog } from "../core/calm_log.ts";
import type { Chat } from "../core/chat.ts";
import type { Log } from "../core/log.ts";
import { maxFrameBytes } from "../wire/limits.ts";
import { AnswerDeadline, standardAnswerDeadlineMs } from "./answer_deadline.ts";
import { CallRouter } from "./call_router.ts";
import type { ClientConnection, Device } from "./client_connection.ts";
import { ConnectionGuard, type ConnectionGuardOptions, standardLimits } from "./connection_guard.ts";
import { connectMethod } from "./connect_method.ts";
import { callbackDialler } from "./dial_callback.ts";
import { fileMethods } from "./file_methods.ts";
import { Health } from "./health.ts";
import { connectOver } from "./http2/socket_transport.ts";
import type { IncomingCall } from "./incoming_call.ts";
import { Keepalive } from "./keepalive.ts";
import { type CallLimits, OpenCalls, standardCallLimits } from "./open_calls.ts";
import { reflectionMethods } from "./reflection.ts";
import { StrangerCalls } from "./stranger_calls.ts";
import { type StrangersLimits, strangersLimits } from "./strangers_budget.ts";
import { type ServerCertificates, TlsAcceptor } from "./tls_acceptor.ts";
import { authMethods, chatMethods, recognize } from "./unary_methods.ts";
import { WatchedListener } from "./watched_listener.ts";

export interface GrpcServerOptions {
  chat: Chat;
  log: Log;
  /** Name and version of the program, said to clients. */
  server: string;
  listen: { host: string; port: number };
  tls?: ServerCertificates;
  defer(callback: () => void): void;
  /** Call clients back that ask for it; true unless given. */
  callback?: boolean;
  /** For tests; `standardLimits` unless given. */
  connectionLimits?: ConnectionGuardOptions;
  /** For tests; `standardCallLimits` unless given. */
  callLimits?: CallLimits;
  /** For tests; `strangersLimits` unless given. */
  strangers?: StrangersLimits;
  /** For tests; `standardAnswerDeadlineMs` unless given. */
  answerDeadlineMs?: number;
}

/** A gRPC server that listens. Owned by its opener. */
export interface GrpcServer {
  /** The real port. */
  readonly port: number;
  /** Connections open now. */
  readonly connections: number;
  /** Octets of answers that clients have not taken yet. */
  readonly unreadBytes: number;
  /** New connections are taken. */
  readonly isListening: boolean;
  /** Shows other certificates, which were checked before, from the next handshake on. */
  renewCertificates(certificates: ServerCertificates): void;
  /** Stops listening, lets calls end until `deadlineMs` are over, and breaks off the others. Idempotent. */
  close(options: { deadlineMs: number }): Promise<void>;
}

const chatServices = ["chatd.v1.ChatService", "chatd.v1.AuthService", "chatd.v1.FileService"];

/** How often connections without a user or an open call are closed while the server stops, in milliseconds. */
const idleDrainMs = 1_000;

/** Room for a message that is being read and for the next one, in octets; each message has five more (its prefix). */
export const streamWindow: number = 2 * (maxFrameBytes + 5);

/** Size of the header list of a request, in octets as RFC 9113, section 6.5.2 counts them. */
export const maxHeaderListBytes = 16_384;

/** Of each connection. The window of the connection grows when a user logs in over it. */
const connectionLimits = {
  // Fewer would be refused to clients that begin before they know (RFC 9113, section 6.5.2).
  maxStreams: 100,
  streamWindow,
  connectionWindow: streamWindow,
  maxHeaderListBytes,
};
/** Of the connection of a user, in octets: room for a message on each stream, because clients send their messages in turn. */
export const userConnectionWindow: number = connectionLimits.maxStreams * (maxFrameBytes + 5);

/** Listens and serves. @throws {ChatError} `unavailable` when the address cannot be listened on. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { chat, defer, listen, tls } = options;
  const log = calmLog(options.log);
  const strangers = new StrangerCalls(options.strangers ?? strangersLimits);
  const openCalls = new OpenCalls(options.callLimits ?? standardCallLimits);
  const guard = new ConnectionGuard(
    options.connectionLimits ?? standardLimits,
    (connection) => strangers.strangerGone(connection),
  );
  chat.accounts.onRevoked((revocation) => guard.endRevoked(revocation));
  const onLogIn = (call: IncomingCall, device: Device) => {
    guard.loggedIn(call.connection, device);
    openCalls.belongsTo(call, device.user);
    call.connection.http2?.enlargeWindow(userConnectionWindow);
    call.isLoggedIn = true;
  };
  const health = new Health(chatServices);
  const shared = { ...options, log, onLogIn };
  const connect = connectMethod({
    ...shared,
    dialCallback: options.callback === false ? undefined : callbackDialler({ log }),
  });
  const methods = new Map([
    ...chatMethods(shared, connect),
    ...authMethods(shared),
    ...fileMethods(shared),
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
    onCall: (call) => void recognize(shared, call),
  });
  const serve = (connection: ClientConnection, socket: Socket) => {
    connection.http2 = connectOver(socket, {
      role: "server",
      limits: connectionLimits,
      defer,
      onRequest: (stream, request) => router.route(connection, { stream, request }),
      onReceived: () => connection.silentTicks = 0,
      onFault: (error) => log.error("connection failed", { error }),
    });
  };
  const acceptor = tls && new TlsAcceptor(tls);
  const begin = (connection: ClientConnection, socket: Socket) => {
    if (acceptor === undefined) serve(connection, socket);
    else {
      acceptor.accept(socket, (secure) => {
        connection.secured(secure);
        serve(connection, secure);
      });
    }
  };
  const listener = await WatchedListener.open({
    ...listen,
    log: options.log,
    onConnection: (socket) => {
      const connection = guard.admit(socket);
      if (connection === undefined) return;
      const holdMs = strangers.holdMs(connection);
      if (holdMs === 0) return begin(connection, socket);
      const timer = setTimeout(() => begin(connection, socket), holdMs);
      socket.once("close", () => clearTimeout(timer));
    },
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
    renewCertificates: (certificates) => acceptor?.renew(certificates),
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
