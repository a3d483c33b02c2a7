import type { Log } from "../../core/log.ts";
import { registrationUser } from "../topology.ts";
import type { BrokerManagement } from "./broker_management.ts";
import { isLoopback, type RefusedLogins } from "./refused_logins.ts";

/** The time for which bytes count, in milliseconds: their weight falls by half in about two thirds of it. */
const memoryMs = 60_000;
/** Senders of less are never closed, in bytes. */
const minBytes = 1024 * 1024;
/** Senders that are closed at once. */
const maxSenders = 3;
/** Between two times, in milliseconds: so long the broker's statistics and its alarm may lag behind. */
const restMs = 5_000;
const columns = ["name", "user", "peer_host", "recv_oct", "connected_at"].join(",");

export interface LargestSendersOptions {
  readonly management: Pick<BrokerManagement, "get" | "closeConnection">;
  readonly vhost: string;
  readonly log: Log;
  readonly refused: Pick<RefusedLogins, "refuseUser" | "refuseAddress">;
  /** The broker's user that the server logs in with: its bytes are the answers to those of clients. */
  readonly serverUser: string;
  /** Whether this is an account of chatd; others on the broker are not chatd's business, and are not closed. */
  isAccount(user: string): Promise<boolean>;
  /** A clock in milliseconds; `performance.now` unless given. */
  now?(): number;
}

interface Connection {
  readonly name: string;
  readonly user: string;
  readonly peer_host?: string;
  /** Bytes that the broker has read from it. */
  readonly recv_oct: number;
  /** In milliseconds since the Unix epoch. */
  readonly connected_at: number;
}

interface Traffic {
  /** As of the last look. */
  readonly received: number;
  /** In milliseconds since the Unix epoch: another connection may come from the same port later, and have the same name. */
  readonly since: number;
  /** Bytes of the last minute, about. */
  readonly recent: number;
}

/** One account, or one connection of a stranger. */
interface Sender {
  readonly user: string;
  readonly connections: Connection[];
  recent: number;
}

/**
 * Finds out who has sent the broker the most of late, and closes those connections while it lacks memory: all that fills its memory
 * was sent, be it messages, or commands whose replies are not read. Their accounts are refused for a while; of strangers, the addresses.
 */
export class LargestSenders {
  readonly #options: LargestSendersOptions;
  #traffic = new Map<string, Traffic>();
  #lookedAt = 0;
  #closedAt = -Infinity;
  /** The most that a sender sent who was closed since the broker began to lack memory, in bytes, which weigh less with time. */
  #mostClosed = 0;

  constructor(options: LargestSendersOptions) {
    this.#options = options;
  }

  /**
   * Looks once. @param close whether the largest are closed, unless some were a moment ago; that is not waited for
   * @returns how long the management took to answer, in milliseconds
   * @throws {ChatError} when the management does not answer
   */
  async look({ close }: { close: boolean }): Promise<number> {
    const { management, vhost, now: clock = () => performance.now() } = this.#options;
    const path = `/api/vhosts/${encodeURIComponent(vhost)}/connections?columns=${columns}`;
    // The broker lists a connection before it has counted anything of it.
    const began = clock();
    const listed = (await management.get(path) ?? []) as Partial<Connection>[];
    const connections = listed.filter((connection): connection is Connection =>
      [connection.name, connection.user, connection.recv_oct, connection.connected_at].every((known) =>
        known !== undefined
      )
    );
    const now = clock();
    this.#measure(connections, now);
    if (!close) this.#mostClosed = 0;
    if (!close || now - this.#closedAt < restMs) return now - began;
    const largest = await this.#largest(connections);
    if (largest.length > 0) this.#closedAt = now;
    for (const sender of largest) {
      this.#mostClosed = Math.max(this.#mostClosed, sender.recent);
      this.#throwOff(sender);
    }
    return now - began;
  }

  #measure(connections: readonly Connection[], now: number): void {
    const weight = Math.exp((this.#lookedAt - now) / memoryMs);
    this.#lookedAt = now;
    this.#mostClosed *= weight;
    this.#traffic = new Map(connections.map((connection) => {
      const { name, recv_oct: received, connected_at: since } = connection;
      const known = this.#traffic.get(name);
      const isKnown = known !== undefined && known.since === since && known.received <= received;
      const recent = isKnown ? weight * known.recent + received - known.received : typical(connection);
      return [name, { received, since, recent }];
    }));
  }

  /**
   * Returns the senders of at least half of the bytes of the largest sender, be it an account, another application, or one that was closed in this
   * alarm: the alarm goes on for a while after it, and those who are left did not cause it.
   */
  async #largest(connections: readonly Connection[]): Promise<Sender[]> {
    const senders = new Map<string, Sender>();
    for (const connection of connections) {
      const { user, name } = connection;
      if (user === this.#options.serverUser) continue;
      const key = user === registrationUser ? `connection ${name}` : `user ${user}`;
      const sender = senders.get(key) ?? { user, connections: [], recent: 0 };
      sender.connections.push(connection);
      sender.recent += this.#traffic.get(name)!.recent;
      senders.set(key, sender);
    }
    const found: Sender[] = [];
    const sorted = [...senders.values()].toSorted((one, other) => other.recent - one.recent);
    const least = Math.max(minBytes, this.#mostClosed / 2, (sorted[0]?.recent ?? 0) / 2);
    for (const sender of sorted) {
      if (sender.recent < least || found.length >= maxSenders) break;
      if (sender.user === registrationUser || await this.#options.isAccount(sender.user)) found.push(sender);
    }
    return found;
  }

  #throwOff({ user, connections, recent }: Sender): void {
    const { log, refused, management } = this.#options;
    log.warn("closing the connections that sent the most while the broker lacks memory", {
      user,
      connections: connections.length,
      mebibytes: Math.round(recent / 2 ** 20),
    });
    if (user !== registrationUser) refused.refuseUser(user);
    for (const { name, peer_host: address } of connections) {
      if (user === registrationUser && address !== undefined && !isLoopback(address)) refused.refuseAddress(address);
      void management.closeConnection(name);
    }
  }
}

/** Bytes of an average minute of a connection that was not looked at before; all of its bytes when it is younger. */
function typical({ recv_oct: received, connected_at: since }: Connection): number {
  return received * Math.min(1, memoryMs / Math.max(1, Date.now() - since));
}
