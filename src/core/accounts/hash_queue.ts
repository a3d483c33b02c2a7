import { ChatError } from "../chat_error.ts";

export interface HashQueueOptions {
  /** Tasks that run at once; 2 unless given. */
  readonly running?: number;
  /** Tasks that wait; 16 unless given. */
  readonly waiting?: number;
  /** Longest wait of a task, in milliseconds; 5000 unless given. */
  readonly maxWaitMs?: number;
}

/** Two passwords are hashed at once; 16 more wait for up to 5 s. */
export const standardHashLimits = { running: 2, waiting: 16, maxWaitMs: 5_000 } as const;

interface Waiting {
  readonly origin: string;
  readonly start: () => void;
  readonly refuse: () => void;
}

/**
 * Bounds the hashing of passwords: a few tasks at once, a short queue, and `busy` beyond. An origin (such as an
 * address) that fills the queue yields to others: their tasks start first and take the places of its newest ones.
 */
export class HashQueue {
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #maxWaitMs: number;
  readonly #running: string[] = [];
  readonly #waiting: Waiting[] = [];

  constructor(options: HashQueueOptions = {}) {
    const { running, waiting, maxWaitMs } = { ...standardHashLimits, ...options };
    this.#maxRunning = running;
    this.#maxWaiting = waiting;
    this.#maxWaitMs = maxWaitMs;
  }

  /**
   * Runs `task` when it has a place.
   * @throws {ChatError} `busy` without running it, when the queue is full or the wait too long
   */
  async run<T>(origin: string, task: () => Promise<T>): Promise<T> {
    if (this.#running.length >= this.#maxRunning) await this.#wait(origin);
    else this.#running.push(origin);
    try {
      return await task();
    } finally {
      // Chosen while this origin still counts as running, so that waiting origins go before it.
      const next = this.#waiting.find((waiting) => !this.#running.includes(waiting.origin)) ?? this.#waiting.at(0);
      this.#running.splice(this.#running.indexOf(origin), 1);
      next?.start();
    }
  }

  #wait(origin: string): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting && !this.#displaceNewest(origin)) return Promise.reject(this.#busy());
    return new Promise<void>((resolve, reject) => {
      const refuse = () => {
        clearTimeout(timer);
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(this.#busy());
      };
      const start = () => {
        clearTimeout(timer);
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        this.#running.push(origin);
        resolve();
      };
      const entry: Waiting = { origin, start, refuse };
      const timer = setTimeout(refuse, this.#maxWaitMs);
      this.#waiting.push(entry);
    });
  }

  /**
   * Refuses the newest task of the origin with the most waiting tasks, if it still has at least as many as `origin`
   * afterwards.
   */
  #displaceNewest(origin: string): boolean {
    const counts = new Map<string, number>();
    for (const waiting of this.#waiting) counts.set(waiting.origin, (counts.get(waiting.origin) ?? 0) + 1);
    const [greediest, most] = [...counts].reduce((a, b) => b[1] > a[1] ? b : a);
    if (most - 1 < (counts.get(origin) ?? 0) + 1) return false;
    this.#waiting.findLast((waiting) => waiting.origin === greediest)?.refuse();
    return true;
  }

  #busy(): ChatError {
    return new ChatError("busy", "Too many people are logging in right now: try again in a few seconds.", {
      retryAfterMs: 2000,
    });
  }
}
