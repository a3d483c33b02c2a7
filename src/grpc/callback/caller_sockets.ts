import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { addressKey } from "../../core/address_key.ts";
import { closeWith } from "../tls_socket.ts";

export interface CallerLimits {
  /** How long a caller may take to show the secret, in milliseconds. */
  readonly secretDeadlineMs: number;
  /** Sockets of one address (of an IPv6 /64 network) that have not shown the secret. */
  readonly strangersPerAddress: number;
  /** The same of all addresses. */
  readonly strangers: number;
  /** Sockets that have shown the secret. */
  readonly trusted: number;
}

/** Bounds the sockets of a port that is open to all, and whose secret one server has. */
export class CallerSockets {
  readonly #limits: CallerLimits;
  /** Each with the timer that closes it. */
  readonly #strangers = new Map<Socket, ReturnType<typeof setTimeout>>();
  readonly #trusted = new Set<Socket>();
  /** TLS sockets by the sockets below. */
  readonly #secured = new WeakMap<Socket, TLSSocket>();
  #onEmpty: (() => void) | undefined;

  constructor(limits: CallerLimits) {
    this.#limits = limits;
  }

  /** Takes charge of a new socket. @returns false when it was one too many, and is closed. */
  admit(socket: Socket): boolean {
    const { strangers, strangersPerAddress, secretDeadlineMs } = this.#limits;
    if (this.#strangers.size >= strangers || this.#strangersAt(socket) >= strangersPerAddress) {
      socket.destroy();
      return false;
    }
    this.#strangers.set(socket, setTimeout(() => this.destroy(socket), secretDeadlineMs));
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#remove(socket));
    return true;
  }

  /** Takes the TLS socket over an admitted socket, which is closed by it from now on. */
  secure(socket: Socket, secured: TLSSocket): void {
    this.#secured.set(socket, secured);
    closeWith(secured, socket);
  }

  /** Closes a socket by its TLS socket, once there is one: see {@link closeWith}. */
  destroy(socket: Socket): void {
    (this.#secured.get(socket) ?? socket).destroy();
  }

  /** The secret was shown over the socket. @returns false when it is one too many. */
  trust(socket: Socket): boolean {
    if (this.#trusted.has(socket)) return true;
    if (this.#trusted.size >= this.#limits.trusted) return false;
    clearTimeout(this.#strangers.get(socket));
    // A socket that has closed meanwhile is in neither.
    if (this.#strangers.delete(socket)) this.#trusted.add(socket);
    return true;
  }

  /** Closes all sockets. Resolves when they are closed. */
  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    for (const socket of [...this.#strangers.keys(), ...this.#trusted]) this.destroy(socket);
    this.#tellIfEmpty();
    return promise;
  }

  #strangersAt({ remoteAddress = "" }: Socket): number {
    const key = addressKey(remoteAddress);
    return [...this.#strangers.keys()].filter((other) => addressKey(other.remoteAddress ?? "") === key).length;
  }

  #remove(socket: Socket): void {
    clearTimeout(this.#strangers.get(socket));
    this.#strangers.delete(socket);
    this.#trusted.delete(socket);
    this.#tellIfEmpty();
  }

  #tellIfEmpty(): void {
    if (this.#strangers.size === 0 && this.#trusted.size === 0) this.#onEmpty?.();
  }
}
