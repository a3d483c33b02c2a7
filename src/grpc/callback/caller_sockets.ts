import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { addressKey } from "../../core/address_key.ts";
import { closeWith } from "../tls_socket.ts";

export interface CallerLimits {
  /** Time for a caller to send the secret, in milliseconds. */
  readonly secretDeadlineMs: number;
  /** Sockets of one address (of an IPv6 /64 network) that have not sent the secret. */
  readonly strangersPerAddress: number;
  /** Sockets of all addresses that have not sent the secret. */
  readonly strangers: number;
  /** Sockets that have sent the secret. */
  readonly trusted: number;
}

/** Bounds the sockets of a public port whose secret only one server knows. */
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

  /** Takes charge of a new socket. @returns false when it exceeded a limit and was closed */
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

  /** Registers the TLS socket over an admitted socket; from now on both are closed through it. */
  secure(socket: Socket, secured: TLSSocket): void {
    this.#secured.set(socket, secured);
    closeWith(secured, socket);
  }

  /** Closes a socket through its TLS socket, if it has one: see {@link closeWith}. */
  destroy(socket: Socket): void {
    (this.#secured.get(socket) ?? socket).destroy();
  }

  /** Marks a socket that has sent the secret. @returns false when it exceeds the limit */
  trust(socket: Socket): boolean {
    if (this.#trusted.has(socket)) return true;
    if (this.#trusted.size >= this.#limits.trusted) return false;
    clearTimeout(this.#strangers.get(socket));
    // A socket that closed meanwhile is in neither set.
    if (this.#strangers.delete(socket)) this.#trusted.add(socket);
    return true;
  }

  /** Closes all sockets. Resolves when they are closed. */
  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    for (const socket of [...this.#strangers.keys(), ...this.#trusted]) this.destroy(socket);
    this.#resolveIfEmpty();
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
    this.#resolveIfEmpty();
  }

  #resolveIfEmpty(): void {
    if (this.#strangers.size === 0 && this.#trusted.size === 0) this.#onEmpty?.();
  }
}
