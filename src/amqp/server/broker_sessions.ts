import type { ConsumeMessage } from "amqplib";
import { ChatError } from "../../core/chat_error.ts";
import { sessionHeader } from "../incoming.ts";
import type { BrokerSession } from "./broker_session.ts";

/** A session that nothing was heard of for this long has lost its client, in milliseconds. Clients write every 10 s. */
const idleMs = 35_000;
const idleCheckMs = 5_000;
/** How long a client may take to read why its session ended, in milliseconds. */
const lingerMs = 5_000;

/** The live sessions of one connection to the broker, and the queues of those that have just ended. */
export class BrokerSessions {
  readonly #removeQueue: (queue: string) => void;
  readonly #bySecret = new Map<string, BrokerSession>();
  readonly #byQueue = new Map<string, BrokerSession>();
  readonly #lingering = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #idleTimer = setInterval(() => this.#endIdle(), idleCheckMs);

  /** `removeQueue` is called for each queue of a session that ended while the connection was there. */
  constructor({ removeQueue }: { removeQueue(queue: string): void }) {
    this.#removeQueue = removeQueue;
  }

  get size(): number {
    return this.#bySecret.size;
  }

  add(session: BrokerSession): void {
    this.#bySecret.set(session.secret, session);
    this.#byQueue.set(session.queue, session);
  }

  /**
   * The session that a message is part of: it carries its secret, its user published it, and its replies go to where the
   * reply to its hello went. That address has a key, which the broker tells the channel's own client alone: it is a second secret, and no
   * proof of the channel that the message comes from.
   */
  of({ properties }: ConsumeMessage): BrokerSession | undefined {
    const secret: unknown = properties.headers?.[sessionHeader];
    const session = typeof secret === "string" ? this.#bySecret.get(secret) : undefined;
    return session?.user === properties.userId && session?.replyTo === properties.replyTo ? session : undefined;
  }

  /** The queue has no reader any more. */
  queueGone(queue: string): void {
    this.#byQueue.get(queue)?.disconnected();
  }

  /** Forgets a session that ended; its queue goes when its client could read why. */
  ended({ secret, queue, hasQueue }: BrokerSession, reason: ChatError | undefined): void {
    this.#bySecret.delete(secret);
    this.#byQueue.delete(queue);
    if (reason === undefined || !hasQueue) this.#remove(queue);
    else this.#lingering.set(queue, setTimeout(() => this.#remove(queue), lingerMs));
  }

  /** The connection is gone, and with it all sessions. @returns the queues of those that lived until now. */
  disconnected(): string[] {
    clearInterval(this.#idleTimer);
    const left = [...this.#byQueue.keys()];
    for (const session of [...this.#bySecret.values()]) session.disconnected();
    for (const queue of [...this.#lingering.keys()]) this.#remove(queue);
    return left;
  }

  #remove(queue: string): void {
    clearTimeout(this.#lingering.get(queue));
    this.#lingering.delete(queue);
    this.#removeQueue(queue);
  }

  #endIdle(): void {
    const silentSince = performance.now() - idleMs;
    for (const session of [...this.#bySecret.values()]) {
      if (session.heardAt < silentSince) {
        session.end(new ChatError("unavailable", "Nothing was heard of this client for 35 s: connect again."));
      }
    }
  }
}
