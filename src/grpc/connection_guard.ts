import type { Socket } from "node:net";
import { addressKey } from "../core/address_key.ts";
import { ChatError } from "../core/chat_error.ts";

export interface ConnectionGuardOptions {
  /** How long a connection may exist before somebody logs in over it, in milliseconds. */
  logInDeadlineMs: number;
  /** Connections of one address (of an IPv6 /64 network) over which nobody has logged in yet. */
  maxStrangersPerAddress: number;
  /** The same of all addresses. */
  maxStrangers: number;
  /** Connections of one user: a connection is of who logs in over it first. */
  maxPerUser: number;
}

/** 10 s to log in; 128 connections of an address, and 2048 in all, that have not; 128 of a user. */
export const standardLimits: ConnectionGuardOptions = {
  logInDeadlineMs: 10_000,
  maxStrangersPerAddress: 128,
  maxStrangers: 2_048,
  maxPerUser: 128,
};

interface Connection {
  readonly addressKey: string;
  /** Closes the connection at the deadline for logging in; undefined once a user logged in over it. */
  timer: ReturnType<typeof setTimeout> | undefined;
  /** The user who logged in first over it. */
  user?: string;
  /** Calls beyond the budget of strangers. */
  callsBeyond: number;
}

/**
 * Bounds the connections over which no user has logged in, whatever they send: unfinished handshakes, HTTP/1, nothing at all.
 * Bounds the connections of each user too. Counts sockets, not addresses and ports: a client that resets a connection may open
 * another one from the same port before the first one has closed here.
 */
export class ConnectionGuard {
  readonly #options: ConnectionGuardOptions;
  readonly #onStrangerGone: (address: string) => void;
  readonly #connections = new Map<Socket, Connection>();
  /** The newest connection with each name that grpc-js gives to a peer. */
  readonly #sockets = new Map<string, Socket>();
  #strangers = 0;
  readonly #strangersOf = new Map<string, number>();
  readonly #connectionsOf = new Map<string, number>();

  /** @param onStrangerGone is told the address of each closed connection over which no user had logged in. */
  constructor(options: ConnectionGuardOptions, onStrangerGone: (address: string) => void = () => {}) {
    this.#options = options;
    this.#onStrangerGone = onStrangerGone;
  }

  /** Connections open now. */
  get size(): number {
    return this.#connections.size;
  }

  /** Takes charge of a new connection. @returns false when it was one too many, and is closed. */
  admit(socket: Socket): boolean {
    const { remoteAddress = "" } = socket;
    const address = addressKey(remoteAddress);
    const count = this.#strangersOf.get(address) ?? 0;
    const { maxStrangers, maxStrangersPerAddress, logInDeadlineMs } = this.#options;
    if (remoteAddress === "" || this.#strangers >= maxStrangers || count >= maxStrangersPerAddress) {
      socket.destroy();
      return false;
    }
    const peer = peerOf(socket);
    // The peer can use a port again only after the connection from it has ended, so the older socket is dead.
    this.#sockets.get(peer)?.destroy();
    this.#sockets.set(peer, socket);
    this.#strangers++;
    increment(this.#strangersOf, address);
    const timer = setTimeout(() => socket.destroy(), logInDeadlineMs);
    const connection: Connection = { addressKey: address, timer, callsBeyond: 0 };
    this.#connections.set(socket, connection);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#connections.delete(socket);
      if (this.#sockets.get(peer) === socket) this.#sockets.delete(peer);
      this.#endStranger(connection);
      if (connection.user === undefined) this.#onStrangerGone(remoteAddress);
      else decrement(this.#connectionsOf, connection.user);
    });
    return true;
  }

  /**
   * `user` logged in over the connection that grpc-js names `peer`.
   * @throws {ChatError} `limit_reached` when the user has too many; the connection still counts as one without a user.
   */
  loggedIn(peer: string, user: string): void {
    const connection = this.#named(peer);
    if (connection === undefined || connection.user !== undefined) return;
    const { maxPerUser } = this.#options;
    if ((this.#connectionsOf.get(user) ?? 0) >= maxPerUser) {
      throw new ChatError(
        "limit_reached",
        `You have ${maxPerUser} connections to this server: close some of them first.`,
      );
    }
    increment(this.#connectionsOf, user);
    connection.user = user;
    this.#endStranger(connection);
  }

  /** The user who logged in first over the connection that grpc-js names `peer`. */
  ownerOf(peer: string): string | undefined {
    return this.#named(peer)?.user;
  }

  /** Counts one more call beyond the budget of strangers. @returns how many there were over the connection. */
  countCallBeyond(peer: string): number {
    const connection = this.#named(peer);
    return connection === undefined ? 0 : ++connection.callsBeyond;
  }

  /** Closes the connection that grpc-js names `peer`. */
  close(peer: string): void {
    this.#sockets.get(peer)?.destroy();
  }

  /** Resolves when no connection is open. */
  async empty(): Promise<void> {
    while (this.#connections.size > 0) {
      const [socket] = this.#connections.keys();
      await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    }
  }

  /** Closes the connections over which no user has logged in. */
  closeStrangers(): void {
    for (const [socket, { user }] of this.#connections) if (user === undefined) socket.destroy();
  }

  /** Closes all connections. */
  closeAll(): void {
    for (const socket of this.#connections.keys()) socket.destroy();
  }

  #named(peer: string): Connection | undefined {
    const socket = this.#sockets.get(peer);
    return socket && this.#connections.get(socket);
  }

  #endStranger(connection: Connection): void {
    if (connection.timer === undefined) return;
    clearTimeout(connection.timer);
    connection.timer = undefined;
    this.#strangers--;
    decrement(this.#strangersOf, connection.addressKey);
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function decrement(counts: Map<string, number>, key: string): void {
  const count = counts.get(key)! - 1;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

/** As grpc-js names the connection in `getPeer()`. */
function peerOf(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}
