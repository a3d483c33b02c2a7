import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Chat } from "../core/chat.ts";
import { ChatError } from "../core/chat_error.ts";
import type { Log } from "../core/log.ts";
import { AuthServiceService } from "../gen/chatd/v1/auth_service.ts";
import { ChatServiceService } from "../gen/chatd/v1/chat_service.ts";
import { HealthService } from "../gen/grpc/health/v1/health.ts";
import { maxFrameBytes } from "../wire/limits.ts";
import { connectMethod } from "./connect_method.ts";
import { dialCallback } from "./dial_callback.ts";
import { Health } from "./health.ts";
import { addReflection } from "./reflection.ts";
import { authMethods, chatMethods } from "./unary_methods.ts";

export interface GrpcServerOptions {
  chat: Chat;
  log: Log;
  /** Name and version of the program, said to clients. */
  server: string;
  listen: { host: string; port: number };
  tls?: { certificate: Uint8Array; key: Uint8Array; clientCa?: Uint8Array };
  defer(callback: () => void): void;
}

/** A gRPC server that listens. Owned by its opener. */
export interface GrpcServer {
  /** The real port. */
  readonly port: number;
  /** Stops listening, lets calls end until `deadlineMs` are over, and breaks off the others. Idempotent. */
  close(options: { deadlineMs: number }): Promise<void>;
}

const chatServices = ["chatd.v1.ChatService", "chatd.v1.AuthService"];

const serverSettings = {
  "grpc.max_receive_message_length": maxFrameBytes,
  "grpc.max_concurrent_streams": 32,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 10_000,
};

/** Listens and serves. @throws {ChatError} `unavailable` when the address cannot be listened on. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const server = new Server(serverSettings);
  const onLogIn = () => {};
  const shared = { ...options, onLogIn };
  server.addService(undecoded(ChatServiceService), {
    connect: connectMethod({ ...shared, dialCallback }),
    ...chatMethods(shared),
  } as UntypedServiceImplementation);
  server.addService(undecoded(AuthServiceService), authMethods(shared) as UntypedServiceImplementation);
  const health = new Health(chatServices);
  server.addService(HealthService, health.methods as unknown as UntypedServiceImplementation);
  addReflection(server, { services: [...chatServices, "grpc.health.v1.Health"] });
  const port = await bind(server, options);
  return {
    port,
    close: async ({ deadlineMs }) => {
      health.stop();
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      const timer = setTimeout(() => server.forceShutdown(), deadlineMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

function bind(server: Server, { listen, tls }: GrpcServerOptions): Promise<number> {
  const credentials = tls === undefined ? ServerCredentials.createInsecure() : ServerCredentials.createSsl(
    // Without roots, Deno's server cannot handshake; they are used for client certificates only.
    Buffer.from(tls.clientCa ?? tls.certificate),
    [{ cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) }],
    tls.clientCa !== undefined,
  );
  const host = listen.host.includes(":") ? `[${listen.host}]` : listen.host;
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${listen.port}`, credentials, (error, port) => {
      if (error === null) resolve(port);
      else {
        reject(
          new ChatError("unavailable", `Cannot listen on ${host}:${listen.port}: ${error.message}`, { cause: error }),
        );
      }
    });
  });
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
