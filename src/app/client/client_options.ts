import type { HostPorts } from "../../host/host_port.ts";
import type { BrokerUrl } from "../broker/broker_url.ts";

/** TLS options of a client; files are in PEM. */
export interface ClientTls {
  /** CA to trust instead of the system's. */
  readonly caFile?: string;
  /** The required name in the server's certificate; the host of the address unless given. */
  readonly serverName?: string;
  /** Client certificate; both files or none. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

export type DeliveryChoice = "stream" | "callback" | "auto";

/** Options of `chatd grpc-client`, parsed but without opening files. */
export interface GrpcClientOptions {
  readonly user: string;
  /** The name of a login of its own, from a profile. */
  readonly ownLogin?: string;
  /** Servers of one chat, which are tried in this order. */
  readonly servers: HostPorts;
  /** Set if `--tls` or any option that implies it is given. */
  readonly tls?: ClientTls;
  /** Allows sending secrets beyond loopback without TLS. */
  readonly insecure: boolean;
  readonly delivery: DeliveryChoice;
  /** The recipient of lines from a pipe, and the first conversation on a terminal. */
  readonly to?: string;
  /** File with the password on its first line. */
  readonly passwordFile?: string;
  /** From `CHATD_PASSWORD`. Never log it. */
  readonly password?: string;
  readonly invite?: string;
  /** The device's cursor to resume from; `ui` unless given. */
  readonly consumer: string;
  /** Uses line mode instead of the full screen. */
  readonly plain?: boolean;
  readonly noColor?: boolean;
}

/** Options of `chatd amqp-client`, parsed but without opening files. */
export interface AmqpClientOptions {
  readonly user: string;
  /** The name of a login of its own, from a profile. */
  readonly ownLogin?: string;
  /** Contains a login only if all users share one. */
  readonly broker: BrokerUrl;
  /** CA to trust instead of the system's, PEM. */
  readonly caFile?: string;
  /** Allows sending secrets beyond loopback without TLS. */
  readonly insecure: boolean;
  readonly to?: string;
  readonly passwordFile?: string;
  /** From `CHATD_PASSWORD`. Never log it. */
  readonly password?: string;
  readonly invite?: string;
  readonly consumer: string;
  /** Uses line mode instead of the full screen. */
  readonly plain?: boolean;
  readonly noColor?: boolean;
}
