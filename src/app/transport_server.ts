import type { Chat } from "../core/chat.ts";
import type { Log } from "../core/log.ts";
import type { Certificate } from "../host/certificates/certificate.ts";
import type { CertificateHolder } from "../host/certificates/certificate_renewal.ts";
import type { ServerLog } from "../host/logging/server_log.ts";
import type { RenewalOrders } from "../host/supervisor/renewal_orders.ts";
import type { ServingNeeds } from "../host/supervisor/serving_command.ts";

/** What a transport serves with, in the process that serves. */
export interface Serving {
  readonly chat: Chat;
  readonly log: Log;
  /** Where the first transport listens. */
  readonly port: number;
  /** Another process of this server has served, and died, maybe just now. */
  readonly again: boolean;
}

/** A transport that serves. Owned by who started it. */
export interface RunningTransport extends CertificateHolder {
  /** "grpc" */
  readonly name: string;
  /** Clients are served over it now. */
  readonly isUp: boolean;
  /** The transport takes no messages, as its broker lacks memory or disk; undefined for a transport without a broker. */
  readonly isBlocked?: boolean;
  /** Clients' connections that are open now, where they come to this process. */
  readonly connections?: number;
  /** The real one. */
  readonly port: number;
  /** Resolves when clients are served for the first time. */
  readonly ready: Promise<void>;
  /** Rejects when it cannot go on. */
  readonly failed: Promise<never>;
  /** Takes no more clients and requests; live sessions may still say what they have to say until {@link close}. */
  stop(): Promise<void>;
  /** Waits a few seconds until clients have what sessions said. Idempotent. */
  close(): Promise<void>;
}

/** A transport with its files read, ready to serve. */
export interface PreparedTransport {
  /** Those it serves with; whether they are valid now is for the caller to see. */
  readonly certificates: readonly Certificate[];
  /** @throws {ChatError} when it cannot start */
  start(serving: Serving): Promise<RunningTransport>;
}

/** What is different about a server from transport to transport. */
export interface TransportServer {
  /** Where it is asked to listen. */
  readonly port: number;
  /** Whoever runs it takes that something goes beyond this machine without TLS. */
  readonly insecure: boolean;
  /** Files besides the configuration that are read only when it starts, those included that need not be there. */
  readonly startFiles: readonly string[];
  /** Besides the data folder. */
  readonly needs: Pick<ServingNeeds, "read" | "net">;
  /** Looks at everything that can be known before it serves, and changes nothing. @throws {ChatError} */
  prepare(): Promise<PreparedTransport>;
  /** Lines for stdout: where it serves, and what to do next. */
  greeting(port: number): readonly [where: string, ...next: string[]];
}

/** One or more; the first one's port is kept from process to process, and the server serves when it does. */
export type TransportServers = readonly [TransportServer, ...TransportServer[]];

/** How long and where a process serves. */
export interface Orders extends Omit<Serving, "chat"> {
  readonly log: ServerLog;
  /** Resolves with the reason when this process shall stop. */
  readonly stop: Promise<string>;
  readonly renewals: RenewalOrders;
  /** To be called once, when clients are served. */
  onListening(port: number): void;
}
