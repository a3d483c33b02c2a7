import type { Registration } from "../core/accounts/registration.ts";
import type { DeletedAccounts, Limits } from "../core/limits.ts";
import type { HostPort } from "../host/host_port.ts";
import type { LogFormat, LogLevel } from "../host/logging/log_options.ts";
import type { BrokerUrl } from "./broker/broker_url.ts";
import type { NodeOptions } from "./database/database_access.ts";

/** TLS files of a server, in PEM. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** The CA of client certificates; clients without one are rejected. */
  readonly clientCaFile?: string;
}

/** Options of every server, parsed but without opening files. */
export interface ServerOptions {
  /** As the operator wrote it, relative to the working directory. */
  readonly dataDir: string;
  /** Keeps accounts, messages and files, instead of the data folder. */
  readonly database?: NodeOptions;
  readonly registration: Registration;
  /** Restarts the serving process if it crashes. */
  readonly supervise: boolean;
  /** Whether this process was started by a supervisor. */
  readonly supervised: boolean;
  /** Rate limit of each user: requests per second, and requests at once. */
  readonly rate: { readonly perSecond: number; readonly burst: number };
  readonly limits: Limits;
  readonly deletedAccounts: DeletedAccounts;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Address for metrics and health over HTTP; not served unless given. */
  readonly metricsListen?: HostPort;
  /** The configuration file, relative to the working directory. */
  readonly configFile?: string;
  /** Validates the configuration and exits. */
  readonly checkConfig: boolean;
}

/** Options of serving over gRPC. */
export interface GrpcOptions {
  readonly listen: HostPort;
  readonly tls?: ServerTls;
  /** Allows listening beyond loopback without TLS. */
  readonly insecure: boolean;
  /** Delivers by callback to clients that request it, at the address of their connection. */
  readonly callback: boolean;
}

/** Options of serving over RabbitMQ. */
export interface AmqpOptions {
  /** Contains the server's login, unless the password is in a file. */
  readonly broker: BrokerUrl;
  /** File with the password of the broker's user on its first line. */
  readonly brokerPasswordFile?: string;
  /** CA to trust instead of the system's, PEM. */
  readonly caFile?: string;
  /** Address of the endpoint for the broker's authorization requests. */
  readonly authListen: HostPort;
  /** File with the secret in the endpoint's path; a file in the data folder unless given. */
  readonly authSecretFile?: string;
  /** URL of the broker's management plugin. */
  readonly management?: string;
  /** Allows users without an account to log in to the broker and register; unnecessary with a shared login. */
  readonly amqpRegistration: boolean;
  /** All clients share one login, and the broker does not ask chatd for authorization. */
  readonly sharedLogin: boolean;
  /** Allows secrets to leave loopback without TLS. */
  readonly insecure: boolean;
}

/** Options of `chatd grpc-server`. */
export interface GrpcServerOptions extends ServerOptions, GrpcOptions {}

/** Options of `chatd amqp-server`. */
export interface AmqpServerOptions extends ServerOptions, AmqpOptions {}

/** Options of `chatd serve`. */
export interface ServeOptions extends ServerOptions {
  readonly grpc: GrpcOptions;
  /** Undefined serves over gRPC only. */
  readonly amqp?: AmqpOptions;
}
