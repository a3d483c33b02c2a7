import type { ConsumeMessage } from "amqplib";
import { ChatError } from "../../core/chat_error.ts";
import { sessionHeader } from "../incoming.ts";
import type { BrokerSession } from "./broker_session.ts";

/** A session whose client is silent for this long is ended, in milliseconds. Clients write every 10 s. */
const idleMs = 35_000;
const idleCheckMs = 5_000;
/** Time for a client to read the reason for the end of its session, in milliseconds. */
const lingerMs = 5_000;

type EndedSession = Pick<BrokerSession, "secret" | "queue" | "hasQueue" | "confirmed">;

/** The live sessions of one connection to the broker, and the queues of sessions that have just ended. */
export class BrokerSessions {
  readonly #removeQueue: (queue: string) => void;
  readonly #bySecret = new Map<string, BrokerSession>();
  readonly #byQueue = new Map<string, BrokerSession>();
  readonly #lingering = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #idleTimer = setInterval(() => this.#endIdle(), idleCheckMs);

  /** `removeQueue` is called for each queue of a session that ended while the connection was open. */
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
   * Returns the session of a message: the message carries its secret, comes from its user, and has the reply address of
   * its hello. That address contains a key that the broker tells only the channel's own client; it is a second secret,
   * but no proof of the channel that a message comes from.
   */
  of({ properties }: ConsumeMessage): BrokerSession | undefined {
    const secret: unknown = properties.headers?.[sessionHeader];
    const session = typeof secret === "string" ? this.#bySecret.get(secret) : undefined;
    return session?.user === properties.userId && session?.replyTo === properties.replyTo ? session : undefined;
  }

  /** Ends the session of a queue that lost its reader. */
  endByQueue(queue: string): void {
    this.#byQueue.get(queue)?.disconnected();
  }

  /**
   * Forgets an ended session. Its queue is removed after the broker has its last replies, which are published on another
   * channel than the removal, and after its client had time to read the reason.
   */
  remove(session: EndedSession, reason: ChatError | undefined): void {
    const { secret, queue, hasQueue } = session;
    this.#bySecret.delete(secret);
    this.#byQueue.delete(queue);
    if (!hasQueue) this.#remove(queue);
    else if (reason === undefined) void session.confirmed().then(() => this.#remove(queue));
    else this.#lingering.set(queue, setTimeout(() => this.#remove(queue), lingerMs));
  }

  /** Ends all sessions because the connection is lost. @returns the queues of sessions that were live */
  endAll(): string[] {
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
      if (session.lastReceivedAt < silentSince) {
        session.end(new ChatError("unavailable", "This client was silent for 35 s. Reconnect."));
      }
    }
  }
}
