import type { Registration } from "../core/registration.ts";
import type { HostPort } from "./host_port.ts";
import type { LogLevel } from "./log_level.ts";

/** Files, in PEM. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** Only clients whose certificate it signed may connect. */
  readonly clientCaFile?: string;
}

/** What `chatd grpc-server` is asked to do; checked already as far as words go, no file was opened. */
export interface GrpcServerOptions {
  readonly listen: HostPort;
  /** As the operator wrote it, relative to the working directory. */
  readonly dataDir: string;
  readonly registration: Registration;
  readonly tls?: ServerTls;
  /** Listen beyond loopback without TLS. */
  readonly insecure: boolean;
  /** Call clients back that ask for it, at the address that their connection comes from. */
  readonly callback: boolean;
  /** Restart the serving process when it dies. */
  readonly supervise: boolean;
  /** This is the serving process that a supervisor started. */
  readonly supervised: boolean;
  /** Of each user: how many requests in a second, and how many at once after a rest. */
  readonly rate: { readonly perSecond: number; readonly burst: number };
  readonly logLevel: LogLevel;
}
