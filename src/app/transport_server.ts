import type { Registration } from "../core/accounts/registration.ts";
import type { Chat } from "../core/chat.ts";
import type { Log } from "../core/log.ts";
import type { CertificateHolder } from "../host/certificates/certificate_renewal.ts";
import type { ServerLog } from "../host/logging/server_log.ts";
import type { RenewalOrders } from "../host/supervisor/renewal_orders.ts";
import type { Listening } from "../host/supervisor/supervisor_link.ts";
import type { ServingNeeds } from "../host/supervisor/serving_command.ts";

/** Dependencies of a transport in the serving process. */
export interface Serving {
  readonly chat: Chat;
  readonly log: Log;
  /** The port of the first transport. */
  readonly port: number;
  /** A previous process of this server, or another node of its database, has served, and may have just died. */
  readonly again: boolean;
}

/** What a transport needs while the node stands by. */
export interface StandingBy {
  readonly log: Log;
  /** The port of the first transport. */
  readonly port: number;
  /** Returns why this node does not serve now, as a sentence for people. */
  reason(): string;
}

/** A transport that answers for a node that stands by. Owned by its opener. */
export interface StandbyDoor {
  /** The actual port. */
  readonly port: number;
  /** Ends open connections, and frees the port. */
  close(): Promise<void>;
}

/** A serving transport, owned by its starter. */
export interface RunningTransport {
  /** Such as "grpc". */
  readonly name: string;
  /** Whether it serves clients now. */
  readonly isUp: boolean;
  /** Whether its broker accepts no messages for lack of memory or disk; undefined for a transport without a broker. */
  readonly isBlocked?: boolean;
  /** The number of open client connections; undefined if they end at a broker. */
  readonly connections?: number;
  /** The actual port. */
  readonly port: number;
  /** Resolves when it serves clients for the first time. */
  readonly ready: Promise<void>;
  /** Rejects when it cannot continue. */
  readonly failed: Promise<never>;
  /** Accepts no more clients and requests; live sessions may still send until {@link close}. */
  stop(): Promise<void>;
  /** Waits a few seconds until clients have received the sessions' messages. Idempotent. */
  close(): Promise<void>;
}

/** A transport that has read its files and is ready to serve. Its opener checks that the certificates are valid. */
export interface PreparedTransport extends CertificateHolder {
  /**
   * Answers while the node stands by, until the door is closed, which must be before {@link start}.
   * @throws {ChatError} if it cannot start
   */
  standBy(standingBy: StandingBy): Promise<StandbyDoor>;
  /** @throws {ChatError} if it cannot start */
  start(serving: Serving): Promise<RunningTransport>;
}

/** The transport-specific part of a server. */
export interface TransportServer {
  /** Name for people. */
  readonly protocol: "gRPC" | "RabbitMQ";
  /** The registration policy over this transport. */
  readonly registration: Registration;
  /** The requested port. */
  readonly port: number;
  /** Whether the operator allows connections beyond this machine without TLS. */
  readonly insecure: boolean;
  /** Files, besides the configuration, that are read only at the start; optional ones may not exist. */
  readonly startFiles: readonly string[];
  /** Permissions besides those for the data folder. */
  readonly needs: Pick<ServingNeeds, "read" | "net">;
  /** Checks everything that can be checked before serving, and changes nothing. @throws {ChatError} */
  prepare(): Promise<PreparedTransport>;
  /** Returns lines for stdout: the address, and next steps. */
  greeting(port: number): readonly [where: string, ...next: string[]];
}

/** One or more transports; the first one's port is kept across restarts, and the server is ready when it is. */
export type TransportServers = readonly [TransportServer, ...TransportServer[]];

/** The instructions to a serving process. */
export interface Orders extends Omit<Serving, "chat"> {
  readonly log: ServerLog;
  /** Resolves with the reason when the process must stop. */
  readonly stop: Promise<string>;
  readonly renewals: RenewalOrders;
  /** Must be called once, when the process is ready for clients. */
  onListening(listening: Listening): void;
}
