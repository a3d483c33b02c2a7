import type { Log } from "../../core/log.ts";
import { registrationUser } from "../topology.ts";
import type { BrokerManagement } from "./broker_management.ts";
import { isLoopback, type RefusedLogins } from "./refused_logins.ts";

/** Time constant for the decay of counted bytes, in milliseconds: their weight halves in about two thirds of it. */
const memoryMs = 60_000;
/** Senders of fewer bytes are never closed. */
const minBytes = 1024 * 1024;
/** Senders closed in one round. */
const maxSenders = 3;
/** Time between two rounds, in milliseconds: the lag of the broker's statistics and alarm. */
const restMs = 5_000;
const columns = ["name", "user", "peer_host", "recv_oct", "connected_at"].join(",");

export interface LargestSendersOptions {
  readonly management: Pick<BrokerManagement, "get" | "closeConnection">;
  readonly vhost: string;
  readonly log: Log;
  readonly refused: Pick<RefusedLogins, "refuseUser" | "refuseAddress">;
  /** The broker user of the server, whose bytes are replies to clients. */
  readonly serverUser: string;
  /** Returns whether the user is an account of chatd; other users' connections are never closed. */
  isAccount(user: string): Promise<boolean>;
  /** A clock in milliseconds; `performance.now` unless given. */
  now?(): number;
}

interface Connection {
  readonly name: string;
  readonly user: string;
  readonly peer_host?: string;
  /** Bytes that the broker received on it. */
  readonly recv_oct: number;
  /** Milliseconds since the Unix epoch. */
  readonly connected_at: number;
}

interface Traffic {
  /** Bytes at the last check. */
  readonly received: number;
  /** Milliseconds since the Unix epoch; tells connections apart that had the same port and thus the same name. */
  readonly since: number;
  /** Bytes of about the last minute. */
  readonly recent: number;
}

/** One account, or one connection of a stranger. */
interface Sender {
  readonly user: string;
  readonly connections: Connection[];
  recent: number;
}

/**
 * Measures recent traffic, and closes the connections that sent the most while the broker lacks memory: all that fills
 * it was sent, as messages or as commands whose replies are not read. Refuses their accounts for a while, and for
 * strangers their addresses.
 */
export class LargestSenders {
  readonly #options: LargestSendersOptions;
  #traffic = new Map<string, Traffic>();
  #checkedAt = 0;
  #closedAt = -Infinity;
  /** Decaying bytes of the largest sender closed since the memory alarm began. */
  #mostClosed = 0;

  constructor(options: LargestSendersOptions) {
    this.#options = options;
  }

  /**
   * Checks once.
   * @param close whether to close the largest senders, without waiting for it, unless a round just ended
   * @returns the response time of the management plugin, in milliseconds
   * @throws {ChatError} when the management plugin does not answer
   */
  async check({ close }: { close: boolean }): Promise<number> {
    const { management, vhost, now: clock = () => performance.now() } = this.#options;
    const path = `/api/vhosts/${encodeURIComponent(vhost)}/connections?columns=${columns}`;
    // The broker lists a connection before it has statistics of it.
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
      this.#disconnect(sender);
    }
    return now - began;
  }

  #measure(connections: readonly Connection[], now: number): void {
    const weight = Math.exp((this.#checkedAt - now) / memoryMs);
    this.#checkedAt = now;
    this.#mostClosed *= weight;
    this.#traffic = new Map(connections.map((connection) => {
      const { name, recv_oct: received, connected_at: since } = connection;
      const known = this.#traffic.get(name);
      const isKnown = known !== undefined && known.since === since && known.received <= received;
      const recent = isKnown ? weight * known.recent + received - known.received : averageOf(connection);
      return [name, { received, since, recent }];
    }));
  }

  /**
   * Returns the senders of at least half as many bytes as the largest one, be it an account, another application, or a
   * sender closed during this alarm: the alarm outlasts its cause, and smaller senders did not cause it.
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

  #disconnect({ user, connections, recent }: Sender): void {
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

/** Estimates the bytes of the last minute of a new connection from its average; all of its bytes if it is younger. */
function averageOf({ recv_oct: received, connected_at: since }: Connection): number {
  return received * Math.min(1, memoryMs / Math.max(1, Date.now() - since));
}
