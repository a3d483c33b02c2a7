import process from "node:process";
import {
  type ChannelCredentials,
  type ChannelOptions,
  credentials,
  logVerbosity,
  Metadata,
  type ServiceError,
  setLogVerbosity,
} from "@grpc/grpc-js";
import type { FileLink } from "../../client/file_transport.ts";
import type { ServerTransport } from "../../client/several_servers.ts";
import type { Link, Transport } from "../../client/transport.ts";
import type { ChatError } from "../../core/chat_error.ts";
import type { LogInResponse, RegisterResponse } from "../../gen/chatd/v1/auth.ts";
import { AuthServiceDefinition } from "../../gen/chatd/v1/auth_service.ts";
import { FileServiceDefinition } from "../../gen/chatd/v1/files_service.ts";
import { type HealthCheckResponse, HealthDefinition } from "../../gen/grpc/health/v1/health.ts";
import { GrpcLink, sessionService } from "./client_link.ts";
import { GrpcFileLink } from "./file_link.ts";
import { type GrpcJsClient, grpcJsClient } from "./grpc_js_service.ts";
import { requireStatus } from "./serving_status.ts";
import { explainFailure } from "./received_error.ts";
import { statusOf } from "./service_error.ts";
import { addressOf, callDeadlineMs, type GrpcTransportOptions, openListener } from "./transport_options.ts";

const AuthServiceClient = grpcJsClient(AuthServiceDefinition);
const HealthClient = grpcJsClient(HealthDefinition);
const SessionClient = grpcJsClient(sessionService);
const FileServiceClient = grpcJsClient(FileServiceDefinition);

type AuthService = GrpcJsClient<AuthServiceDefinition>;
type HealthService = GrpcJsClient<HealthDefinition>;

/** Connects to a server with grpc-js; each session and each call has its own connection. */
export class GrpcTransport implements ServerTransport {
  readonly address: string;
  readonly #credentials: ChannelCredentials;
  readonly #settings: ChannelOptions;
  readonly #options: GrpcTransportOptions;

  constructor(options: GrpcTransportOptions) {
    const { tls } = options;
    this.address = addressOf(options);
    this.#options = options;
    // The errors say it, in words for people. GRPC_VERBOSITY is for those who look for a fault.
    if (!isVerbose()) setLogVerbosity(logVerbosity.NONE);
    this.#settings = {
      "grpc.keepalive_time_ms": 10_000,
      "grpc.keepalive_timeout_ms": 10_000,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
      "grpc.enable_http_proxy": options.proxy === undefined ? 0 : 1,
      ...(tls?.serverName !== undefined && {
        "grpc.ssl_target_name_override": tls.serverName,
        "grpc.default_authority": tls.serverName,
      }),
    };
    this.#credentials = tls === undefined ? credentials.createInsecure() : credentials.createSsl(
      Buffer.from(tls.roots),
      tls.certificate && Buffer.from(tls.certificate.key),
      tls.certificate && Buffer.from(tls.certificate.chain),
    );
  }

  register: Transport["register"] = (request, { signal }) =>
    this.#call<AuthService, RegisterResponse>(AuthServiceClient, signal, (client, done) => {
      return client.register(request, new Metadata(), deadline(), done);
    });

  logIn: Transport["logIn"] = (request, { signal }) =>
    this.#call<AuthService, LogInResponse>(AuthServiceClient, signal, (client, done) => {
      return client.logIn(request, new Metadata(), deadline(), done);
    });

  async requireServing({ signal }: { signal?: AbortSignal }): Promise<void> {
    const response = await this.#call<HealthService, HealthCheckResponse>(HealthClient, signal, (client, done) => {
      return client.check({ service: "" }, new Metadata(), deadline(), done);
    });
    requireStatus(response, this.address);
  }

  async connect({ signal }: { signal?: AbortSignal }): Promise<Link> {
    const listener = await openListener(this.#options);
    const client = new SessionClient(this.address, this.#credentials, this.#settings);
    return new GrpcLink({ client, listener, signal, explain: (error) => this.#explain(error) });
  }

  openFiles({ token, signal }: { token: string; signal?: AbortSignal }): Promise<FileLink> {
    const client = new FileServiceClient(this.address, this.#credentials, this.#settings);
    return Promise.resolve(new GrpcFileLink({ client, token, signal, explain: (error) => this.#explain(error) }));
  }

  #call<Client extends { close(): void }, Response>(
    Client: new (address: string, credentials: ChannelCredentials, options: ChannelOptions) => Client,
    signal: AbortSignal | undefined,
    start: (client: Client, done: (error: ServiceError | null, response: Response) => void) => { cancel(): void },
  ): Promise<Response> {
    const client = new Client(this.address, this.#credentials, this.#settings);
    return new Promise<Response>((resolve, reject) => {
      const call = start(client, (error, response) => {
        signal?.removeEventListener("abort", cancel);
        client.close();
        if (error === null) resolve(response);
        else reject(this.#explain(error));
      });
      const cancel = () => call.cancel();
      signal?.addEventListener("abort", cancel, { once: true });
      if (signal?.aborted) cancel();
    });
  }

  #explain(error: ServiceError): ChatError {
    const status = statusOf(error);
    const { proxy } = this.#options;
    // The word of grpc-js when the proxy does not connect, or not to the server.
    const byProxy = proxy !== undefined && (status.details === "undefined" || status.details.endsWith(`dns:${proxy}`));
    if (!byProxy) return explainFailure(status, { address: this.address, cause: error });
    const address = `${this.address} through the HTTP proxy ${proxy}`;
    return explainFailure({ ...status, details: "there is no connection" }, { address, cause: error });
  }
}

/** Whether the environment asks grpc-js for its log. */
function isVerbose(): boolean {
  return (process.env.GRPC_NODE_VERBOSITY ?? process.env.GRPC_VERBOSITY ?? "") !== "";
}

function deadline() {
  return { deadline: Date.now() + callDeadlineMs };
}
