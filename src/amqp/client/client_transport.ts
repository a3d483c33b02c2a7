import type { FileLink } from "../../client/file_transport.ts";
import type { Link, Transport } from "../../client/transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import {
  LogInRequest,
  LogInResponse,
  RegisterRequest,
  type RegisterRequest as Registration,
  RegisterResponse,
} from "../../gen/chatd/v1/auth.ts";
import { type BrokerAddress, type BrokerLogin, formatBroker } from "../connection/broker_address.ts";
import { BrokerConnection } from "../connection/broker_connection.ts";
import { isBrokerRefusal, isVhostRefusal, startServer } from "../connection/broker_errors.ts";
import { messageTypes } from "../message_types.ts";
import { invitationUser, registrationQueue, registrationUser, requestQueue, statusUser } from "../topology.ts";
import { callServer } from "./broker_call.ts";
import { AmqpLink } from "./client_link.ts";
import { AmqpFileLink } from "./file_link.ts";

export interface AmqpTransportOptions {
  readonly broker: BrokerAddress;
  readonly user: string;
  /** The shared login, for a broker that does not ask chatd. Without it, users log in as themselves. */
  readonly sharedLogin?: BrokerLogin;
  /** PEM certificates that replace the system's roots. */
  readonly ca?: string;
}

/** Connects to a server through a broker. Each session and each call has its own connection. */
export class AmqpTransport implements Transport {
  readonly address: string;
  readonly backoff = { maxMs: 5_000 };
  /** Receipts of file chunks that the server was not told of yet. */
  readonly #receipts: string[] = [];
  readonly #options: AmqpTransportOptions;

  constructor(options: AmqpTransportOptions) {
    this.#options = options;
    this.address = formatBroker(options.broker);
  }

  async register(request: Registration, { signal }: { signal?: AbortSignal }): Promise<RegisterResponse> {
    const login = { user: registrationUser, password: request.invite || "open" };
    try {
      return await this.#call(login, (connection) =>
        callServer(connection, {
          queue: registrationQueue,
          type: messageTypes.register,
          content: RegisterRequest.encode(request).finish(),
          response: { type: messageTypes.registered, decoder: RegisterResponse },
          signal,
        }), signal);
    } catch (error) {
      const refused = error instanceof ChatError && error.code === "unauthenticated";
      if (!refused || this.#options.sharedLogin !== undefined) throw error;
      const byInvitation = await this.#isVhostRefusedTo(invitationUser, signal);
      throw noRegistration(error, { invite: request.invite, byInvitation });
    }
  }

  async logIn(request: LogInRequest, { signal }: { signal?: AbortSignal }): Promise<LogInResponse> {
    const login = { user: request.user, password: request.password };
    return await this.#call(login, (connection) =>
      callServer(connection, {
        queue: requestQueue,
        type: messageTypes.logIn,
        content: LogInRequest.encode(request).finish(),
        response: { type: messageTypes.loggedIn, decoder: LogInResponse },
        signal,
      }), signal);
  }

  connect({ signal }: { signal?: AbortSignal }): Promise<Link> {
    return Promise.resolve(
      new AmqpLink({
        signal,
        open: (token, options) => this.openBroker({ user: this.#options.user, password: token }, options),
        explain: (error, options) => this.explain(error, options),
      }),
    );
  }

  async openFiles({ token, signal }: { token: string; signal?: AbortSignal }): Promise<FileLink> {
    const explain = (error: ChatError) => this.explain(error, { signal });
    try {
      const login = { user: this.#options.user, password: token };
      const connection = await this.openBroker(login, { name: "chatd files", signal });
      return await AmqpFileLink.open({ connection, token, signal, receipts: this.#receipts, explain });
    } catch (error) {
      throw error instanceof ChatError ? await explain(error) : error;
    }
  }

  async #call<T>(
    login: BrokerLogin,
    ask: (connection: BrokerConnection) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    try {
      await using connection = await this.openBroker(login, { name: "chatd", signal });
      return await ask(connection);
    } catch (error) {
      throw error instanceof ChatError ? await this.explain(error, { signal }) : error;
    }
  }

  #open(login: BrokerLogin, options: { name: string; signal?: AbortSignal }): Promise<BrokerConnection> {
    const { broker, ca, sharedLogin } = this.#options;
    return BrokerConnection.open({ broker, ca, login: sharedLogin ?? login, ...options });
  }

  /**
   * Opens a connection to the broker; the caller owns it. A broker that could not reach chatd refuses like one that
   * chatd told to refuse. A refusal is therefore trusted only if the login is refused again after chatd was seen to
   * answer, because clients discard a refused token.
   */
  async openBroker(login: BrokerLogin, options: { name: string; signal?: AbortSignal }): Promise<BrokerConnection> {
    try {
      return await this.#open(login, options);
    } catch (error) {
      const refused = error instanceof ChatError && error.code === "unauthenticated";
      if (!refused || this.#options.sharedLogin !== undefined) throw error;
      if (!await this.#serverAnswers(options.signal)) throw this.#noAnswer(error);
      return await this.#open(login, options);
    }
  }

  /** Replaces an error of the broker with a more specific one, if the cause can be determined before an abort. */
  async explain(error: ChatError, { signal }: { signal?: AbortSignal }): Promise<ChatError> {
    if (this.#options.sharedLogin !== undefined || !isBrokerRefusal(error)) return error;
    if (isVhostRefusal(error)) {
      if (!await this.#serverAnswers(signal)) return signal?.aborted ? error : this.#noAnswer(error);
      return new ChatError("busy", "Too many people are logging in right now: try again in a few seconds.", {
        cause: error,
        retryAfterMs: 2_000,
      });
    }
    // A permission was denied after the login, possibly because chatd could not be asked: the next login tells.
    return error.code === "permission_denied" ? new ChatError("unavailable", error.message, { cause: error }) : error;
  }

  #serverAnswers(signal: AbortSignal | undefined): Promise<boolean> {
    return this.#isVhostRefusedTo(statusUser, signal);
  }

  /**
   * Returns whether chatd admits this name to the broker and no further; if chatd cannot be asked, no name is admitted.
   */
  async #isVhostRefusedTo(user: string, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await using _connection = await this.#open({ user, password: "status" }, { name: "chatd status", signal });
      return true;
    } catch (error) {
      return error instanceof ChatError && isVhostRefusal(error);
    }
  }

  #noAnswer(cause: ChatError): ChatError {
    return new ChatError(
      "unavailable",
      `RabbitMQ at ${this.address} refuses all logins, because no chatd server answers it: ${startServer}.`,
      { cause },
    );
  }
}

/** Returns the error for a registration that the broker refused. */
function noRegistration(
  cause: ChatError,
  { invite, byInvitation }: { invite: string; byInvitation: boolean },
): ChatError {
  if (!byInvitation) {
    const message = "Registration over RabbitMQ is closed. Ask the operator for an account (chatd user add), " +
      "or register over gRPC (chatd grpc-client) and log in here with that name and password.";
    return new ChatError("registration_closed", message, { cause });
  }
  const message = invite === ""
    ? "This server requires an invitation to register. Ask the operator for a code."
    : "The invitation is not valid: it may be used up, expired or mistyped.";
  return new ChatError("invite_invalid", message, { cause });
}
