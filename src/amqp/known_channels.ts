import { numbersOfAddress, processOf } from "./incoming.ts";

/** Channels that are remembered: those of 12,500 connections that have as many as they may. */
const maxChannels = 100_000;
/** How long the broker may take to tell of a channel that a message came from, in milliseconds. */
export const eventDeadlineMs = 5_000;
/** Addresses that are waited for, of one user and in all. */
const maxWaitingOfUser = 16;
const maxWaiting = 1_000;

/** A channel of a client, as the broker told of it. */
export interface KnownChannel {
  readonly user: string;
  readonly connection: ClientConnection;
}

/** A connection to the broker. */
export interface ClientConnection {
  /** Of one connection only, for as long as the broker runs. */
  readonly id: string;
  /** As its lists have it; another connection may have it later. */
  readonly name: string;
}

/**
 * The channels that the broker told of, by the process that their addresses for direct replies name. RabbitMQ 3 ends a connection that
 * publishes to the address of an impossible process, so an address is used only if its channel is known. Channels that are older than
 * the address of {@link learn}, or closed, are not known: their numbers are not above those that this broker is known to use. When
 * Erlang has used up its numbers and begins again, an older channel may have a higher one, and count as forged until its client
 * connects again: the management shows no processes, so older channels cannot be listed.
 */
export class KnownChannels {
  /** By process, the oldest first. */
  readonly #channels = new Map<string, KnownChannel>();
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #waitingOfUser = new Map<string, number>();
  #count = 0;
  #isClosed = false;
  /** Numbers that processes of this broker have, at least. */
  #possible: readonly number[] = [0, 0];

  /** Learns from an address of the server's own, which is younger than the first event. */
  learn(ownAddress: string): void {
    this.#raise(numbersOfAddress(ownAddress));
  }

  opened(process: string, channel: KnownChannel): void {
    this.#channels.set(process, channel);
    const [oldest] = this.#channels.keys();
    if (this.#channels.size > maxChannels) this.closed(oldest);
    this.#waiting.get(process)?.forEach((told) => told());
  }

  /** Forgets a channel. Its last messages may arrive after this. */
  closed(process: string): void {
    if (this.#channels.delete(process)) this.#raise(process.split(".").slice(1).map(Number));
  }

  /** The broker told of no channel, not even of the server's own: it lacks the plugin for that. */
  get isEmpty(): boolean {
    return this.#channels.size === 0;
  }

  /** The channel that an address belongs to, if the broker has told of it. */
  at(replyTo: string): KnownChannel | undefined {
    return this.#channels.get(processOf(replyTo));
  }

  /**
   * Whether `user` may be answered at an address, by what is known now; undefined when the broker may still tell.
   * @param user "" when a message does not say it
   */
  judge(replyTo: string, user: string): boolean | undefined {
    const channel = this.at(replyTo);
    if (channel !== undefined) return user === "" || channel.user === user;
    return numbersOfAddress(replyTo).every((number, index) => number <= this.#possible[index]) || undefined;
  }

  /**
   * Like {@link judge}, once the broker has told of the channel or 5 s are over; undefined when too many messages wait, and
   * after {@link close}.
   */
  async judgeLater(replyTo: string, user: string): Promise<boolean | undefined> {
    const ofUser = this.#waitingOfUser.get(user) ?? 0;
    if (this.#isClosed || this.#count >= maxWaiting || ofUser >= maxWaitingOfUser) return undefined;
    this.#count++;
    this.#waitingOfUser.set(user, ofUser + 1);
    await this.#told(processOf(replyTo));
    this.#count--;
    const left = this.#waitingOfUser.get(user)! - 1;
    if (left === 0) this.#waitingOfUser.delete(user);
    else this.#waitingOfUser.set(user, left);
    return this.#isClosed ? undefined : this.judge(replyTo, user) ?? false;
  }

  /** Ends all waits: the connection to the broker has ended. */
  close(): void {
    this.#isClosed = true;
    for (const waiting of this.#waiting.values()) waiting.forEach((stopWaiting) => stopWaiting());
  }

  #raise(numbers: readonly number[]): void {
    this.#possible = this.#possible.map((possible, index) => Math.max(possible, numbers[index]));
  }

  /** Resolves when the broker has told of the process, or has taken too long. */
  async #told(process: string): Promise<void> {
    if (this.#channels.has(process)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(process) ?? new Set();
    this.#waiting.set(process, waiting.add(resolve));
    const timer = setTimeout(resolve, eventDeadlineMs);
    await promise;
    clearTimeout(timer);
    waiting.delete(resolve);
    if (waiting.size === 0 && this.#waiting.get(process) === waiting) this.#waiting.delete(process);
  }
}
