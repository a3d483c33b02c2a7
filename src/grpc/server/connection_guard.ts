import type { Socket } from "node:net";
import type { Revocation } from "../../core/accounts/identity.ts";
import { addressKey } from "../../core/address_key.ts";
import { ChatError } from "../../core/chat_error.ts";
import { ClientConnection, type Device } from "./client_connection.ts";
import { ConnectionRate, type ConnectionRateLimits, standardConnectionRate } from "./connection_rate.ts";
import { KnownAddresses } from "./known_addresses.ts";

export interface ConnectionGuardOptions {
  /** Time for a user to log in over a new connection, in milliseconds. */
  logInDeadlineMs: number;
  /** Connections of one address (of an IPv6 /64 network) over which no user has logged in yet. */
  maxStrangersPerAddress: number;
  /** The same for all addresses; half of it is reserved for addresses from which a user logged in within a day. */
  maxStrangers: number;
  /** Connections of one user; a connection belongs to the first user who logs in over it. */
  maxPerUser: number;
  /** Connections of one address other than a loopback one, with and without users. */
  maxPerAddress: number;
  /** New connections over which no user has logged in yet. */
  rate: ConnectionRateLimits;
}

/** 10 s to log in; 128 connections of an address and 2,048 in all before that; 128 of a user; 8,192 of an address. */
export const standardLimits: ConnectionGuardOptions = {
  logInDeadlineMs: 10_000,
  maxStrangersPerAddress: 128,
  maxStrangers: 2_048,
  maxPerUser: 128,
  maxPerAddress: 8_192,
  rate: standardConnectionRate,
};

/** Milliseconds between the announcement of the end of a connection without a user and its end. */
const strangersDrainMs = 1_000;

const loopbackKey = addressKey("::1");

/** Bounds connections: by number and rate until a user logs in over them, then by user and address. */
export class ConnectionGuard {
  readonly #options: ConnectionGuardOptions;
  readonly #onStrangerGone: (connection: ClientConnection) => void;
  readonly #rate: ConnectionRate;
  readonly #known = new KnownAddresses();
  readonly #connections = new Set<ClientConnection>();
  /** Deadlines of connections over which no user has logged in. */
  readonly #strangers = new Map<ClientConnection, ReturnType<typeof setTimeout>>();
  readonly #strangersFrom = new Counts();
  readonly #connectionsFrom = new Counts();
  readonly #ownedBy = new Counts();
  /** Connections over which a user logged in, first or later. */
  readonly #usedBy = new Map<string, Set<ClientConnection>>();
  #emptied: PromiseWithResolvers<void> | undefined;
  readonly #onClosed = (connection: ClientConnection) => this.#remove(connection);

  /** Creates a guard. @param onStrangerGone is called for each closed connection over which no user had logged in */
  constructor(options: ConnectionGuardOptions, onStrangerGone: (connection: ClientConnection) => void = () => {}) {
    this.#options = options;
    this.#onStrangerGone = onStrangerGone;
    this.#rate = new ConnectionRate(options.rate);
  }

  /** Open connections. */
  get connections(): ReadonlySet<ClientConnection> {
    return this.#connections;
  }

  /** Takes charge of a new connection. @returns undefined when it exceeded a limit and was closed */
  admit(socket: Socket): ClientConnection | undefined {
    const { remoteAddress } = socket;
    // Before anything is allocated for it.
    if (remoteAddress === undefined || !this.#hasRoom(remoteAddress)) {
      socket.destroy();
      return undefined;
    }
    const connection = new ClientConnection(socket, this.#onClosed);
    this.#connections.add(connection);
    this.#connectionsFrom.add(connection.addressKey);
    this.#strangersFrom.add(connection.addressKey);
    this.#strangers.set(connection, this.#scheduleStrangerEnd(connection));
    return connection;
  }

  /**
   * Records that a device logged in over a connection.
   * @throws {ChatError} `limit_reached` when the user has too many; the connection then still counts as one without a
   * user
   */
  loggedIn(connection: ClientConnection, device: Device): void {
    if (!this.#connections.has(connection)) return;
    const { user } = device;
    if (connection.owner === undefined) this.#assignOwner(connection, user);
    connection.addDevice(device);
    const used = this.#usedBy.get(user);
    if (used === undefined) this.#usedBy.set(user, new Set([connection]));
    else used.add(connection);
  }

  /** Ends the connections of which all devices are revoked. */
  endRevoked(revocation: Revocation): void {
    for (const connection of this.#usedBy.get(revocation.user) ?? []) connection.revoke(revocation);
  }

  /** Resolves when no connection is open. */
  async empty(): Promise<void> {
    if (this.#connections.size > 0) await (this.#emptied ??= Promise.withResolvers()).promise;
  }

  /** Asks all clients to open no more calls. */
  drain(deadlineMs: number): void {
    for (const connection of this.#connections) connection.drain(deadlineMs);
  }

  /** Closes the connections without an open call, and those over which no user has logged in. */
  closeIdle(): void {
    for (const connection of this.#connections) {
      if (connection.isIdle || connection.owner === undefined) connection.close();
    }
  }

  #hasRoom(address: string): boolean {
    const key = addressKey(address);
    const { maxStrangers, maxStrangersPerAddress, maxPerAddress } = this.#options;
    const isKnown = this.#known.has(key);
    return this.#strangers.size < (isKnown ? maxStrangers : maxStrangers / 2) &&
      this.#strangersFrom.of(key) < maxStrangersPerAddress &&
      (isLoopback(key) || this.#connectionsFrom.of(key) < maxPerAddress) && this.#rate.admit(key, { isKnown });
  }

  #assignOwner(connection: ClientConnection, user: string): void {
    const { maxPerUser } = this.#options;
    if (this.#ownedBy.of(user) >= maxPerUser) {
      const refusal = `You have ${maxPerUser} connections to this server: close some of them first.`;
      throw new ChatError("limit_reached", refusal);
    }
    connection.owner = user;
    this.#ownedBy.add(user);
    this.#endStranger(connection);
    connection.cancelDrain();
    this.#rate.giveBack(connection.addressKey);
    this.#known.add(connection.addressKey);
  }

  #remove(connection: ClientConnection): void {
    this.#connections.delete(connection);
    this.#connectionsFrom.delete(connection.addressKey);
    this.#endStranger(connection);
    if (connection.owner === undefined) this.#onStrangerGone(connection);
    else this.#ownedBy.delete(connection.owner);
    for (const user of connection.users()) this.#forgetUse(connection, user);
    if (this.#connections.size === 0) this.#emptied?.resolve();
  }

  #forgetUse(connection: ClientConnection, user: string): void {
    const used = this.#usedBy.get(user);
    used?.delete(connection);
    if (used?.size === 0) this.#usedBy.delete(user);
  }

  /**
   * Announces the end before the deadline for logging in, so that a proxy finishes its calls and opens further ones
   * elsewhere.
   */
  #scheduleStrangerEnd(connection: ClientConnection): ReturnType<typeof setTimeout> {
    const { logInDeadlineMs } = this.#options;
    const drainMs = Math.min(strangersDrainMs, logInDeadlineMs / 2);
    return setTimeout(() => connection.drain(drainMs), logInDeadlineMs - drainMs);
  }

  #endStranger(connection: ClientConnection): void {
    clearTimeout(this.#strangers.get(connection));
    if (this.#strangers.delete(connection)) this.#strangersFrom.delete(connection.addressKey);
  }
}

/** Counts by key; a key whose count is 0 takes no memory. */
class Counts {
  readonly #counts = new Map<string, number>();

  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string): void {
    this.#counts.set(key, this.of(key) + 1);
  }

  delete(key: string): void {
    const count = this.of(key) - 1;
    if (count <= 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}

/** Returns whether a key is of a loopback address; the key of ::1 is its /64 network. */
function isLoopback(key: string): boolean {
  return key === loopbackKey || key.startsWith("127.");
}
