import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { calmLog } from "../core/calm_log.ts";
import type { Chat } from "../core/chat.ts";
import type { Log } from "../core/log.ts";
import { AuthServiceService } from "../gen/chatd/v1/auth_service.ts";
import { ChatServiceService } from "../gen/chatd/v1/chat_service.ts";
import { FileServiceService } from "../gen/chatd/v1/files_service.ts";
import { HealthService } from "../gen/grpc/health/v1/health.ts";
import { maxFrameBytes } from "../wire/limits.ts";
import { ConnectionGuard, type ConnectionGuardOptions, standardLimits } from "./connection_guard.ts";
import { connectMethod } from "./connect_method.ts";
import { callbackDialler } from "./dial_callback.ts";
import { fileMethods } from "./file_methods.ts";
import { Health } from "./health.ts";
import { logLibraryMessages } from "./library_log.ts";
import { type CallLimits, OpenCalls, standardCallLimits } from "./open_calls.ts";
import { addReflection } from "./reflection.ts";
import { watchRefusedByLibrary } from "./refused_by_library.ts";
import { StrangerCalls } from "./stranger_calls.ts";
import { type StrangersLimits, strangersLimits } from "./strangers_budget.ts";
import { authMethods, chatMethods, type LoggedInCall } from "./unary_methods.ts";
import { trialServer } from "./own_server_trial.ts";
import { WatchedListener } from "./watched_listener.ts";

export interface GrpcServerOptions {
  chat: Chat;
  log: Log;
  /** Name and version of the program, said to clients. */
  server: string;
  listen: { host: string; port: number };
  tls?: { certificate: Uint8Array; key: Uint8Array; clientCa?: Uint8Array };
  defer(callback: () => void): void;
  /** Call clients back that ask for it; true unless given. */
  callback?: boolean;
  /** For tests; `standardLimits` unless given. */
  connectionLimits?: ConnectionGuardOptions;
  /** For tests; `standardCallLimits` unless given. */
  callLimits?: CallLimits;
  /** For tests; `strangersLimits` unless given. */
  strangers?: StrangersLimits;
}

/** A gRPC server that listens. Owned by its opener. */
export interface GrpcServer {
  /** The real port. */
  readonly port: number;
  /** Connections open now. */
  readonly connections: number;
  /** New connections are taken. */
  readonly isListening: boolean;
  /** Stops listening, lets calls end until `deadlineMs` are over, and breaks off the others. Idempotent. */
  close(options: { deadlineMs: number }): Promise<void>;
}

const chatServices = ["chatd.v1.ChatService", "chatd.v1.AuthService", "chatd.v1.FileService"];

/** How long those who have not logged in may take to end what they do, when the server stops. */
const strangersDrainMs = 1_000;

const serverSettings = {
  "grpc.max_receive_message_length": maxFrameBytes,
  "grpc.max_concurrent_streams": 32,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 10_000,
};

/** Listens and serves. @throws {ChatError} `unavailable` when the address cannot be listened on. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  logLibraryMessages(options.log);
  const guard: ConnectionGuard = new ConnectionGuard(
    options.connectionLimits ?? standardLimits,
    (address) => strangers.strangerGone(address),
  );
  const strangers = new StrangerCalls(options.strangers ?? strangersLimits, guard);
  const calls = new OpenCalls({
    limits: options.callLimits ?? standardCallLimits,
    ownerOf: (peer) => guard.ownerOf(peer),
    close: (peer) => guard.close(peer),
  });
  const trial = trialServer(options.tls, options.defer);
  const server = { addService: trial.addService } as any;
  const onLogIn = (call: LoggedInCall, user: string) => {
    guard.loggedIn(call.getPeer(), user);
  };
  const shared = { ...options, log: calmLog(options.log), onLogIn };
  server.addService(undecoded(ChatServiceService), {
    connect: connectMethod({ ...shared, dialCallback: options.callback === false ? undefined : callbackDialler() }),
    ...chatMethods(shared),
  } as UntypedServiceImplementation);
  server.addService(undecoded(AuthServiceService), authMethods(shared) as UntypedServiceImplementation);
  server.addService(undecoded(FileServiceService), fileMethods(shared) as UntypedServiceImplementation);
  const health = new Health(chatServices);
  server.addService(HealthService, health.methods as unknown as UntypedServiceImplementation);
  addReflection(server, {
    services: [...chatServices, "grpc.health.v1.Health"],
    admit: (peer, answerBytes) => strangers.admitReflection(peer, Math.ceil(answerBytes / 1024)),
  });
  const injector = trial;
  const listener = await WatchedListener.open({
    ...options.listen,
    log: options.log,
    onConnection: (socket) => {
      if (!guard.admit(socket)) return;
      const holdMs = strangers.holdMs(socket.remoteAddress!);
      if (holdMs === 0) return injector.injectConnection(socket);
      const timer = setTimeout(() => injector.injectConnection(socket), holdMs);
      socket.once("close", () => clearTimeout(timer));
    },
  });
  return {
    port: listener.port,
    get connections() {
      return guard.size;
    },
    get isListening() {
      return listener.isListening;
    },
    close: async ({ deadlineMs }) => {
      health.stop();
      const stopped = listener.close();
      trial.drain();
      const strangers = setTimeout(() => guard.closeStrangers(), strangersDrainMs);
      const everybody = setTimeout(() => {
        trial.closeAll();
        guard.closeAll();
      }, deadlineMs);
      // On Deno the server calls itself drained while calls still write; their connections close when they are done.
      await Promise.all([stopped, guard.empty()]);
      clearTimeout(strangers);
      clearTimeout(everybody);
    },
  };
}

function serverCredentials(tls: GrpcServerOptions["tls"]): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const { certificate, key, clientCa } = tls;
  return ServerCredentials.createSsl(
    // Without roots, Deno's server cannot handshake; they are used for client certificates only.
    Buffer.from(clientCa ?? certificate),
    [{ cert_chain: Buffer.from(certificate), private_key: Buffer.from(key) }],
    clientCa !== undefined,
  );
}

/** The service with requests left as bytes, so that its handlers decode them strictly; `connect` writes bytes too. */
function undecoded(definition: ServiceDefinition): ServiceDefinition {
  const asBytes = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]) => [name, {
      ...method,
      requestDeserialize: asBytes,
      responseSerialize: method.responseStream ? asBytes : method.responseSerialize,
    }]),
  );
}
