import { pause } from "../../core/pause.ts";
import { registrationUser } from "../topology.ts";
import { LargestSenders, type LargestSendersOptions } from "./largest_senders.ts";
import { isLoopback } from "./refused_logins.ts";

/** Shortest interval between two checks, in milliseconds. */
const intervalMs = 1_000;
/** Longest interval, in milliseconds: a transactional channel can take hundreds of megabytes per second meanwhile. */
const maxIntervalMs = 10_000;
/** Wait before the next check, as a multiple of the last response time; it keeps the load on the broker small. */
const restFactor = 20;
const columns = [
  "user",
  "transactional",
  "connection_details.name",
  "connection_details.peer_host",
].join(",");

export interface BrokerWatchOptions extends LargestSendersOptions {
  /** Returns whether the broker accepts no messages for lack of memory. */
  lacksMemory(): boolean;
}

interface Channel {
  readonly user?: string;
  readonly transactional?: boolean;
  readonly connection_details?: { readonly name?: string; readonly peer_host?: string };
}

/**
 * Finds transactional channels, which chatd's clients never open: the broker keeps all messages of such a channel in
 * memory until it commits, without a limit (https://www.rabbitmq.com/docs/semantics#tx). Closes their connections and
 * refuses their users and addresses. Does the same to the {@link LargestSenders} while the broker lacks memory.
 */
export class BrokerWatch implements AsyncDisposable {
  readonly #options: BrokerWatchOptions;
  readonly #closed = new AbortController();
  #watching: Promise<void> | undefined;
  /** Names of connections that are being closed, which takes seconds each. */
  readonly #closing = new Set<string>();
  readonly #senders: LargestSenders;
  #isFailing = false;

  constructor(options: BrokerWatchOptions) {
    this.#options = options;
    this.#senders = new LargestSenders(options);
  }

  /** Checks repeatedly until disposed. */
  start(): void {
    this.#watching ??= this.#watch();
  }

  /**
   * Checks once, without waiting for connections to close.
   * @returns the response time of the management plugin, in milliseconds
   * @throws {ChatError} when the management plugin does not answer
   */
  async check(): Promise<number> {
    const { management, vhost, lacksMemory } = this.#options;
    const path = `/api/vhosts/${encodeURIComponent(vhost)}/channels?columns=${columns}`;
    const began = performance.now();
    const channels = (await management.get(path) ?? []) as Channel[];
    const took = performance.now() - began;
    for (const channel of channels) if (channel.transactional) await this.#disconnect(channel);
    return took + await this.#senders.check({ close: lacksMemory() });
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
        const restMs = restFactor * await this.check();
        waitMs = this.#options.lacksMemory() ? intervalMs : Math.min(maxIntervalMs, Math.max(intervalMs, restMs));
        this.#isFailing = false;
      } catch (error) {
        if (!this.#isFailing) this.#options.log.warn("cannot watch the broker's channels", { error });
        this.#isFailing = true;
      }
    }
  }

  async #disconnect({ user = "", connection_details: { name, peer_host: address } = {} }: Channel): Promise<void> {
    const { management, refused, log, isAccount } = this.#options;
    const isStranger = user === registrationUser;
    if (name === undefined || this.#closing.has(name) || !(isStranger || await isAccount(user))) return;
    log.warn("closing a connection with a transactional channel", { user, address });
    if (!isStranger) refused.refuseUser(user);
    if (address !== undefined && !isLoopback(address)) refused.refuseAddress(address);
    this.#closing.add(name);
    void management.closeConnection(name)
      .catch((error) => log.warn("cannot close a connection with a transactional channel", { user, error }))
      .finally(() => this.#closing.delete(name));
  }
}
