import type { Registration } from "../core/accounts/registration.ts";
import type { DeletedAccounts, Limits } from "../core/limits.ts";
import type { HostPort } from "../host/host_port.ts";
import type { LogFormat, LogLevel } from "../host/logging/log_options.ts";
import type { BrokerUrl } from "./broker/broker_url.ts";

/** Files, in PEM. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** Only clients whose certificate it signed may connect. */
  readonly clientCaFile?: string;
}

/** What every server is asked; checked already as far as words go, no file was opened. */
export interface ServerOptions {
  /** As the operator wrote it, relative to the working directory. */
  readonly dataDir: string;
  readonly registration: Registration;
  /** Restart the serving process when it dies. */
  readonly supervise: boolean;
  /** This is the serving process that a supervisor started. */
  readonly supervised: boolean;
  /** Of each user: how many requests in a second, and how many at once after a rest. */
  readonly rate: { readonly perSecond: number; readonly burst: number };
  readonly limits: Limits;
  readonly deletedAccounts: DeletedAccounts;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Where to show metrics and health over HTTP; nowhere unless given. */
  readonly metricsListen?: HostPort;
  /** Where some of these options come from, relative to the working directory. */
  readonly configFile?: string;
  /** Only say whether a server could start with these options. */
  readonly checkConfig: boolean;
}

/** What serving over gRPC takes. */
export interface GrpcOptions {
  readonly listen: HostPort;
  readonly tls?: ServerTls;
  /** Listen beyond loopback without TLS. */
  readonly insecure: boolean;
  /** Call clients back that ask for it, at the address that their connection comes from. */
  readonly callback: boolean;
}

/** What serving over RabbitMQ takes. */
export interface AmqpOptions {
  /** With the login of the broker's user that the server is, unless a password file has its password. */
  readonly broker: BrokerUrl;
  /** Holds the password of the broker's user "chatd" in its first line. */
  readonly brokerPasswordFile?: string;
  /** Trusted instead of the system's roots, PEM. */
  readonly caFile?: string;
  /** Where the broker asks who may do what. */
  readonly authListen: HostPort;
  /** Holds the secret in the path of what the broker asks; a file in the data folder unless given. */
  readonly authSecretFile?: string;
  /** Of the broker's management plugin. */
  readonly management?: string;
  /** Strangers may log in to the broker to register; needless with a shared login, where nobody is a stranger. */
  readonly amqpRegistration: boolean;
  /** The broker does not ask chatd. */
  readonly sharedLogin: boolean;
  /** Let secrets go beyond loopback without TLS. */
  readonly insecure: boolean;
}

/** What `chatd grpc-server` is asked to do. */
export interface GrpcServerOptions extends ServerOptions, GrpcOptions {}

/** What `chatd amqp-server` is asked to do. */
export interface AmqpServerOptions extends ServerOptions, AmqpOptions {}

/** What `chatd serve` is asked to do. */
export interface ServeOptions extends ServerOptions {
  readonly grpc: GrpcOptions;
  /** Undefined serves over gRPC alone. */
  readonly amqp?: AmqpOptions;
}
