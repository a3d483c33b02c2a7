import type { BrokerUrl } from "../app/broker/broker_url.ts";
import type { ClientTls } from "../app/client/client_options.ts";
import type { DatabaseOptions } from "../app/database/database_access.ts";
import type { HostPort } from "../host/host_port.ts";
import type { RelayKind } from "./relays/run_relay.ts";
import type { SystemName, WorkloadName } from "./result.ts";

/** The options of `chatd bench`. */
export interface BenchOptions {
  /** Runs only the relay that another bench measures. */
  readonly relay?: RelayKind;
  readonly workloads: readonly WorkloadName[];
  /** All systems unless given. */
  readonly systems?: readonly SystemName[];
  readonly seconds: number;
  readonly rounds: number;
  /** The idle sessions of W3. */
  readonly sessions: number;
  /** A running server to measure; the bench starts one for each run unless given. */
  readonly server?: HostPort;
  /** The process of `server` on this machine. */
  readonly serverPid?: number;
  /** The broker of `server`. */
  readonly broker?: BrokerUrl;
  /** The process of `broker` on this machine. */
  readonly brokerPid?: number;
  /** Where servers of the bench also keep their stores, in schemas that it makes and drops. */
  readonly database?: DatabaseOptions;
  readonly tls?: ClientTls;
  readonly insecure: boolean;
  /** The parent of temporary data folders; the system's temporary folder unless given. */
  readonly folder?: string;
  /** The messages in the store of W5. */
  readonly messages: number;
  /** The folder that keeps the store of W5; a temporary one unless given. */
  readonly storeFolder?: string;
  readonly json: boolean;
  /** The file for the page with charts. */
  readonly htmlFile?: string;
}
