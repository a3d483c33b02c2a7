import type { BrokerUrl } from "../app/broker/broker_url.ts";
import type { ClientTls } from "../app/client/client_options.ts";
import type { HostPort } from "../host/host_port.ts";
import type { SystemName, WorkloadName } from "./result.ts";

/** What `chatd bench` is asked to do. */
export interface BenchOptions {
  /** Be the relay that another bench measures, and nothing else. */
  readonly relay: boolean;
  readonly workloads: readonly WorkloadName[];
  /** All unless given. */
  readonly systems?: readonly SystemName[];
  readonly seconds: number;
  readonly rounds: number;
  /** Of W3. */
  readonly sessions: number;
  /** A server that runs, instead of one for each run. */
  readonly server?: HostPort;
  /** Its process on this machine. */
  readonly serverPid?: number;
  /** The broker that it serves over too. */
  readonly broker?: BrokerUrl;
  /** Its process on this machine. */
  readonly brokerPid?: number;
  readonly tls?: ClientTls;
  readonly insecure: boolean;
  /** Where data folders are made; where the system has temporary ones unless given. */
  readonly folder?: string;
  /** Of W5. */
  readonly messages: number;
  /** Where W5's store is kept; made and removed unless given. */
  readonly storeFolder?: string;
  readonly json: boolean;
  /** Where to write the page with plots. */
  readonly htmlFile?: string;
}
