import type { FileLink } from "../../client/file_transport.ts";
import type { ServerTransport } from "../../client/several_servers.ts";
import type { Link, Transport } from "../../client/transport.ts";
import type { ChatError } from "../../core/chat_error.ts";
import { AuthServiceDefinition } from "../../gen/chatd/v1/auth_service.ts";
import { HealthDefinition } from "../../gen/grpc/health/v1/health.ts";
import type { CallbackListener } from "../callback/callback_listener.ts";
import { CallError } from "../http2/client_call.ts";
import { type ReceivedStatus, unavailable } from "../http2/client_stream.ts";
import { Http2FileLink } from "./http2_file_link.ts";
import { Http2Link } from "./http2_link.ts";
import { explainFailure } from "./received_error.ts";
import { requireStatus } from "./serving_status.ts";
import { ServerConnection } from "./server_connection.ts";
import { addressOf, callDeadlineMs, type GrpcTransportOptions, openListener } from "./transport_options.ts";
import { type CallDefaults, callMethod, type UnaryMethod, unaryMethod } from "./unary_call.ts";

const register = unaryMethod(AuthServiceDefinition, "register");
const logIn = unaryMethod(AuthServiceDefinition, "logIn");
const check = unaryMethod(HealthDefinition, "check");

/** The default of gRPC clients. */
const maxMessageBytes = 4 * 1024 * 1024;

/** Connects to a server over chatd's own HTTP/2; each session and each call has its own connection. */
export class Http2Transport implements ServerTransport {
  readonly address: string;
  readonly #options: GrpcTransportOptions;
  readonly #defaults: CallDefaults;

  constructor(options: GrpcTransportOptions) {
    const { tls } = options;
    this.address = addressOf(options);
    this.#options = options;
    this.#defaults = {
      scheme: tls === undefined ? "http" : "https",
      authority: tls?.serverName ?? this.address,
      maxMessageBytes,
    };
  }

  register: Transport["register"] = (request, { signal }) => this.#call(register, request, signal);

  logIn: Transport["logIn"] = (request, { signal }) => this.#call(logIn, request, signal);

  async requireServing({ signal }: { signal?: AbortSignal }): Promise<void> {
    requireStatus(await this.#call(check, { service: "" }, signal), this.address);
  }

  async connect({ signal }: { signal?: AbortSignal }): Promise<Link> {
    const connection = await this.#open(signal);
    let listener: CallbackListener | undefined;
    try {
      listener = await openListener(this.#options);
      if (!connection.http2.takesRequests) throw this.#explain(unavailable("Connection dropped"));
      return new Http2Link({ connection, listener, signal, defaults: this.#defaults, explain: this.#explain });
    } catch (error) {
      connection.close();
      await listener?.close();
      throw error;
    }
  }

  async openFiles({ token, signal }: { token: string; signal?: AbortSignal }): Promise<FileLink> {
    const connection = await this.#open(signal);
    return new Http2FileLink({ connection, token, signal, defaults: this.#defaults, explain: this.#explain });
  }

  async #open(signal: AbortSignal | undefined): Promise<ServerConnection> {
    try {
      return await ServerConnection.open({ ...this.#options, maxMessageBytes, signal });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw this.#explain(unavailable(why), error);
    }
  }

  async #call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const connection = await this.#open(signal);
    try {
      return await callMethod(connection, { ...this.#defaults, method, request, deadlineMs: callDeadlineMs, signal });
    } catch (error) {
      throw error instanceof CallError ? this.#explain(error.status, error) : error;
    } finally {
      connection.close();
    }
  }

  readonly #explain = (status: ReceivedStatus, cause?: unknown): ChatError =>
    explainFailure(status, { address: this.address, cause });
}
