import type { Socket } from "node:net";
import { addressKey } from "../core/address_key.ts";

export interface ConnectionGuardOptions {
  /** How long a connection may exist before somebody logs in over it, in milliseconds. */
  logInDeadlineMs: number;
  /** Connections of one address (of an IPv6 /64 network) over which nobody has logged in yet. */
  maxStrangersPerAddress: number;
  /** The same of all addresses. */
  maxStrangers: number;
}

/** 10 s to log in; 128 connections of an address, and 2048 in all, that have not. */
export const standardLimits: ConnectionGuardOptions = {
  logInDeadlineMs: 10_000,
  maxStrangersPerAddress: 128,
  maxStrangers: 2_048,
};

interface Stranger {
  readonly socket: Socket;
  readonly addressKey: string;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Bounds what those who never log in can hold, whatever they send: handshakes never finished, HTTP/1, nothing at all. */
export class ConnectionGuard {
  readonly #options: ConnectionGuardOptions;
  readonly #sockets = new Set<Socket>();
  readonly #strangers = new Map<string, Stranger>();
  readonly #strangersOf = new Map<string, number>();

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
    this.#sockets.add(socket);
    this.#strangersOf.set(address, count + 1);
    const timer = setTimeout(() => socket.destroy(), logInDeadlineMs);
    this.#strangers.set(peer, { socket, addressKey: address, timer });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#forget(peer);
    });
    return true;
  }

  /** Somebody logged in over the connection that grpc-js names `peer`. */
  loggedIn(peer: string): void {
    this.#forget(peer);
  }

  /** Resolves when no connection is open. */
  async empty(): Promise<void> {
    while (this.#sockets.size > 0) {
      const [socket] = this.#sockets;
      await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    }
  }

  /** Closes the connections over which nobody logged in. */
  closeStrangers(): void {
    for (const { socket } of this.#strangers.values()) socket.destroy();
  }

  /** Closes all connections. */
  closeAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #forget(peer: string): void {
    const stranger = this.#strangers.get(peer);
    if (stranger === undefined) return;
    clearTimeout(stranger.timer);
    this.#strangers.delete(peer);
    const count = this.#strangersOf.get(stranger.addressKey)! - 1;
    if (count === 0) this.#strangersOf.delete(stranger.addressKey);
    else this.#strangersOf.set(stranger.addressKey, count);
  }
}

/** As grpc-js names the connection in `getPeer()`. */
function peerOf(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}`;
}
