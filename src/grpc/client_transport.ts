import { type ChannelCredentials, type ChannelOptions, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { ChatError } from "../core/chat_error.ts";
import type { FileLink } from "../client/file_transport.ts";
import type { Link, Transport } from "../client/transport.ts";
import type { LogInResponse, RegisterResponse } from "../gen/chatd/v1/auth.ts";
import { AuthServiceClient } from "../gen/chatd/v1/auth_service.ts";
import { ChatServiceClient } from "../gen/chatd/v1/chat_service.ts";
import { FileServiceClient } from "../gen/chatd/v1/files_service.ts";
import { type GrpcTransportOptions, listenHost } from "./client_address.ts";
import { GrpcLink } from "./client_link.ts";
import { GrpcFileLink } from "./file_link.ts";
import { fromServiceError, withoutWrapping } from "./service_error.ts";

const callDeadlineMs = 30_000;

/** Reaches a server over gRPC; each session and each call has a connection of its own. */
export class GrpcTransport implements Transport {
  readonly address: string;
  readonly #credentials: ChannelCredentials;
  readonly #settings: ChannelOptions;
  readonly #host: string;
  readonly #callback: boolean;

  constructor({ host, port, tls, callback }: GrpcTransportOptions) {
    this.address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    this.#host = host;
    this.#callback = callback;
    this.#settings = {
      "grpc.keepalive_time_ms": 10_000,
      "grpc.keepalive_timeout_ms": 10_000,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
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
    this.#call<RegisterResponse>(signal, (client, done) => client.register(request, new Metadata(), deadline(), done));

  logIn: Transport["logIn"] = (request, { signal }) =>
    this.#call<LogInResponse>(signal, (client, done) => client.logIn(request, new Metadata(), deadline(), done));

  async connect({ signal }: { signal?: AbortSignal }): Promise<Link> {
    const listener = this.#callback ? await openListener(this.#host) : undefined;
    const client = new ChatServiceClient(this.address, this.#credentials, this.#settings);
    return new GrpcLink({ client, listener, signal, explain: (error) => this.#explain(error) });
  }

  openFiles({ token, signal }: { token: string; signal?: AbortSignal }): Promise<FileLink> {
    const client = new FileServiceClient(this.address, this.#credentials, this.#settings);
    return Promise.resolve(new GrpcFileLink({ client, token, signal, explain: (error) => this.#explain(error) }));
  }

  #call<Response>(
    signal: AbortSignal | undefined,
    start: (
      client: AuthServiceClient,
      done: (error: ServiceError | null, response: Response) => void,
    ) => { cancel(): void },
  ): Promise<Response> {
    const client = new AuthServiceClient(this.address, this.#credentials, this.#settings);
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
    const known = fromServiceError(error);
    if (known.code !== "unavailable" || error.metadata?.get("chatd-error-code").length > 0) return known;
    const why = withoutWrapping(known.message);
    return new ChatError("unavailable", `Cannot reach the server at ${this.address}: ${why}`, { cause: error });
  }
}

/** Loaded only here: what makes certificates is larger than all the rest of a client. */
async function openListener(host: string) {
  const { CallbackListener } = await import("./callback_listener.ts");
  return await CallbackListener.open({ host: listenHost(host) });
}

function deadline() {
  return { deadline: Date.now() + callDeadlineMs };
}
