import { numbersOfAddress, processOf } from "../direct_address.ts";

/** Largest number of channels: those of 12,500 connections with the maximum each. */
const maxChannels = 100_000;
/** Time for the broker to report the channel of a message, in milliseconds. */
export const eventDeadlineMs = 5_000;
/** Messages waiting for their channel, of one user and in all. */
const maxWaitingOfUser = 16;
const maxWaiting = 1_000;

/** A client's channel, as reported by the broker. */
export interface KnownChannel {
  readonly user: string;
  readonly connection: ClientConnection;
}

/** A connection to the broker. */
export interface ClientConnection {
  /** Unique for the lifetime of the broker. */
  readonly id: string;
  /** Name in the broker's lists; a later connection may reuse it. */
  readonly name: string;
}

/**
 * The channels reported by the broker, by the process in their direct-reply addresses. RabbitMQ 3 ends a connection
 * that publishes to the address of an impossible process, so an address is used only if its channel is known or
 * possible.
 *
 * Channels older than the address passed to {@link learn}, and closed ones, are not known; they are possible because
 * their numbers are not above those known to be in use. When Erlang has used up its numbers and wraps around, an older
 * channel may have a higher number and count as forged until its client reconnects: the management plugin does not show
 * processes, so older channels cannot be listed.
 */
export class KnownChannels {
  /** By process, oldest first. */
  readonly #channels = new Map<string, KnownChannel>();
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #waitingOfUser = new Map<string, number>();
  #count = 0;
  #isClosed = false;
  /** Lower bounds of the process numbers that this broker has used. */
  #possible: readonly number[] = [0, 0];

  /** Learns from one of the server's own addresses, which must be younger than the first event. */
  learn(ownAddress: string): void {
    this.#raiseBounds(numbersOfAddress(ownAddress));
  }

  opened(process: string, channel: KnownChannel): void {
    this.#channels.set(process, channel);
    const [oldest] = this.#channels.keys();
    if (this.#channels.size > maxChannels) this.closed(oldest);
    this.#waiting.get(process)?.forEach((report) => report());
  }

  /** Forgets a channel. Its last messages may arrive after this. */
  closed(process: string): void {
    if (this.#channels.delete(process)) this.#raiseBounds(process.split(".").slice(1).map(Number));
  }

  /** Whether the broker reported no channel, not even the server's own: it lacks the plugin. */
  get isEmpty(): boolean {
    return this.#channels.size === 0;
  }

  /** Returns the channel that an address belongs to, if the broker has reported it. */
  at(replyTo: string): KnownChannel | undefined {
    return this.#channels.get(processOf(replyTo));
  }

  /**
   * Returns whether `user` may be answered at an address; undefined while the broker may still report it.
   * @param user "" for a message without a user
   */
  judge(replyTo: string, user: string): boolean | undefined {
    const channel = this.at(replyTo);
    if (channel !== undefined) return user === "" || channel.user === user;
    return numbersOfAddress(replyTo).every((number, index) => number <= this.#possible[index]) || undefined;
  }

  /**
   * Judges like {@link judge}, once the broker has reported the channel or 5 s have passed; undefined when too many
   * messages wait, and after {@link close}.
   */
  async judgeLater(replyTo: string, user: string): Promise<boolean | undefined> {
    const ofUser = this.#waitingOfUser.get(user) ?? 0;
    if (this.#isClosed || this.#count >= maxWaiting || ofUser >= maxWaitingOfUser) return undefined;
    this.#count++;
    this.#waitingOfUser.set(user, ofUser + 1);
    await this.#awaitReport(processOf(replyTo));
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

  #raiseBounds(numbers: readonly number[]): void {
    this.#possible = this.#possible.map((possible, index) => Math.max(possible, numbers[index]));
  }

  /** Resolves when the broker has reported the process, or has taken too long. */
  async #awaitReport(process: string): Promise<void> {
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
