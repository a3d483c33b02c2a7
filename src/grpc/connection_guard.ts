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

interface Stranger {
  readonly socket: Socket;
  readonly addressKey: string;
  readonly timer: ReturnType<typeof setTimeout>;
}

/**
 * Bounds what those who never log in can hold, whatever they send: handshakes never finished, HTTP/1, nothing at all. And how
 * many connections a user has.
 */
export class ConnectionGuard {
  readonly #options: ConnectionGuardOptions;
  readonly #sockets = new Map<string, Socket>();
  readonly #strangers = new Map<string, Stranger>();
  readonly #strangersOf = new Map<string, number>();
  readonly #userOf = new Map<string, string>();
  readonly #connectionsOf = new Map<string, number>();

  constructor(options: ConnectionGuardOptions) {
    this.#options = options;
  }

  /** Connections open now. */
  get size(): number {
    return this.#sockets.size;
  }

  /** Takes charge of a new connection. @returns false when it was one too many, and is closed. */
  admit(socket: Socket): boolean {
    const address = addressKey(socket.remoteAddress ?? "");
    const count = this.#strangersOf.get(address) ?? 0;
    const { maxStrangers, maxStrangersPerAddress, logInDeadlineMs } = this.#options;
    if (socket.remoteAddress === undefined || this.#strangers.size >= maxStrangers || count >= maxStrangersPerAddress) {
      socket.destroy();
      return false;
    }
    const peer = peerOf(socket);
    this.#sockets.set(peer, socket);
    increment(this.#strangersOf, address);
    const timer = setTimeout(() => socket.destroy(), logInDeadlineMs);
    this.#strangers.set(peer, { socket, addressKey: address, timer });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#sockets.delete(peer);
      this.#forget(peer);
      const user = this.#userOf.get(peer);
      if (user !== undefined) decrement(this.#connectionsOf, user);
      this.#userOf.delete(peer);
    });
    return true;
  }

  /**
   * `user` logged in over the connection that grpc-js names `peer`.
   * @throws {ChatError} `limit_reached` when the user has too many; the connection stays one over which nobody has logged in.
   */
  loggedIn(peer: string, user: string): void {
    if (!this.#strangers.has(peer)) return;
    const { maxPerUser } = this.#options;
    if ((this.#connectionsOf.get(user) ?? 0) >= maxPerUser) {
      throw new ChatError(
        "limit_reached",
        `You have ${maxPerUser} connections to this server: close some of them first.`,
      );
    }
    increment(this.#connectionsOf, user);
    this.#userOf.set(peer, user);
    this.#forget(peer);
  }

  /** The user who logged in first over the connection that grpc-js names `peer`. */
  ownerOf(peer: string): string | undefined {
    return this.#userOf.get(peer);
  }

  /** Closes the connection that grpc-js names `peer`. */
  close(peer: string): void {
    this.#sockets.get(peer)?.destroy();
  }

  /** Resolves when no connection is open. */
  async empty(): Promise<void> {
    while (this.#sockets.size > 0) {
      const [socket] = this.#sockets.values();
      await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    }
  }

  /** Closes the connections over which nobody logged in. */
  closeStrangers(): void {
    for (const { socket } of this.#strangers.values()) socket.destroy();
  }

  /** Closes all connections. */
  closeAll(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  #forget(peer: string): void {
    const stranger = this.#strangers.get(peer);
    if (stranger === undefined) return;
    clearTimeout(stranger.timer);
    this.#strangers.delete(peer);
    decrement(this.#strangersOf, stranger.addressKey);
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
