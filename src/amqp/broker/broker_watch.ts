import { pause } from "../../core/pause.ts";
import { registrationUser } from "../topology.ts";
import { LargestSenders, type LargestSendersOptions } from "./largest_senders.ts";
import { isLoopback } from "./refused_logins.ts";

/** The shortest wait between two looks, in milliseconds. */
const intervalMs = 1_000;
/** The longest, in milliseconds: a transactional channel takes hundreds of megabytes a second meanwhile. */
const maxIntervalMs = 10_000;
/** How many times longer than its last answer took the watch waits, so that looking takes a small part of the broker's time. */
const restFactor = 20;
const columns = [
  "user",
  "transactional",
  "connection_details.name",
  "connection_details.peer_host",
].join(",");

export interface BrokerWatchOptions extends LargestSendersOptions {
  /** Whether the broker takes no messages for lack of memory. */
  lacksMemory(): boolean;
}

interface Channel {
  readonly user?: string;
  readonly transactional?: boolean;
  readonly connection_details?: { readonly name?: string; readonly peer_host?: string };
}

/**
 * Looks for transactional channels, which chatd's clients never open: the broker keeps all that such a channel publishes in
 * memory until it commits, and no limit of RabbitMQ bounds that (https://www.rabbitmq.com/docs/semantics#tx). Closes their
 * connections, and has their user and address refused. While the broker lacks memory, so fare the {@link LargestSenders}.
 */
export class BrokerWatch implements AsyncDisposable {
  readonly #options: BrokerWatchOptions;
  readonly #closed = new AbortController();
  #watching: Promise<void> | undefined;
  /** Names of the connections that are being closed, which takes seconds each. */
  readonly #closing = new Set<string>();
  readonly #senders: LargestSenders;
  #isFailing = false;

  constructor(options: BrokerWatchOptions) {
    this.#options = options;
    this.#senders = new LargestSenders(options);
  }

  /** Looks again and again until it is disposed of. */
  start(): void {
    this.#watching ??= this.#watch();
  }

  /**
   * Looks once, and does not wait until the connections are closed.
   * @returns how long the management took to answer, in milliseconds
   * @throws {ChatError} when the management does not answer
   */
  async look(): Promise<number> {
    const { management, vhost, lacksMemory } = this.#options;
    const path = `/api/vhosts/${encodeURIComponent(vhost)}/channels?columns=${columns}`;
    const began = performance.now();
    const channels = (await management.get(path) ?? []) as Channel[];
    const took = performance.now() - began;
    for (const channel of channels) if (channel.transactional) await this.#throwOff(channel);
    return took + await this.#senders.look({ close: lacksMemory() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    let waitMs = intervalMs;
    while (await pause(waitMs, this.#closed.signal)) {
      waitMs = intervalMs;
      try {
        const restMs = restFactor * await this.look();
        waitMs = this.#options.lacksMemory() ? intervalMs : Math.min(maxIntervalMs, Math.max(intervalMs, restMs));
        this.#isFailing = false;
      } catch (error) {
        if (!this.#isFailing) this.#options.log.warn("the broker's channels cannot be watched", { error });
        this.#isFailing = true;
      }
    }
  }

  async #throwOff({ user = "", connection_details: { name, peer_host: address } = {} }: Channel): Promise<void> {
    const { management, refused, log, isAccount } = this.#options;
    const isStranger = user === registrationUser;
    if (name === undefined || this.#closing.has(name) || !(isStranger || await isAccount(user))) return;
    log.warn("closing a connection with a transactional channel", { user, address });
    if (!isStranger) refused.refuseUser(user);
    if (address !== undefined && !isLoopback(address)) refused.refuseAddress(address);
    this.#closing.add(name);
    void management.closeConnection(name)
      .catch((error) => log.warn("a connection with a transactional channel was not closed", { user, error }))
      .finally(() => this.#closing.delete(name));
  }
}
