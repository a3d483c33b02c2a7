import type { HostPort } from "../../host/host_port.ts";
import type { BrokerUrl } from "../broker/broker_url.ts";

/** Files are in PEM. */
export interface ClientTls {
  /** Trusted instead of the system's roots. */
  readonly caFile?: string;
  /** The name that the server's certificate must have; the host of the address unless given. */
  readonly serverName?: string;
  /** Shown to servers that ask for one; both or none. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

export type DeliveryChoice = "stream" | "callback" | "auto";

/** What `chatd grpc-client` is asked to do; checked already as far as words go, no file was opened. */
export interface GrpcClientOptions {
  readonly user: string;
  readonly server: HostPort;
  /** Set when TLS is to be used, by `--tls` or by any option that needs it. */
  readonly tls?: ClientTls;
  /** Send secrets beyond loopback without TLS. */
  readonly insecure: boolean;
  readonly delivery: DeliveryChoice;
  /** Who lines from a pipe go to, and whom to talk with first. */
  readonly to?: string;
  /** Holds the password in its first line. */
  readonly passwordFile?: string;
  /** From `CHATD_PASSWORD`. Never log it. */
  readonly password?: string;
  readonly invite?: string;
  /** Which cursor of the device to resume from; `ui` unless given. */
  readonly consumer: string;
  /** Line by line, not on the whole screen. */
  readonly plain?: boolean;
  readonly noColor?: boolean;
}

/** What `chatd amqp-client` is asked to do; checked already as far as words go, no file was opened. */
export interface AmqpClientOptions {
  readonly user: string;
  /** With a login only where everybody shares one. */
  readonly broker: BrokerUrl;
  /** Trusted instead of the system's roots, PEM. */
  readonly caFile?: string;
  /** Send secrets beyond loopback without TLS. */
  readonly insecure: boolean;
  readonly to?: string;
  readonly passwordFile?: string;
  /** From `CHATD_PASSWORD`. Never log it. */
  readonly password?: string;
  readonly invite?: string;
  readonly consumer: string;
  /** Line by line, not on the whole screen. */
  readonly plain?: boolean;
  readonly noColor?: boolean;
}
