import { ChatError } from "../chat_error.ts";

export interface HashQueueOptions {
  /** Tasks that run at once; 2 unless given. */
  readonly running?: number;
  /** Tasks that wait; 16 unless given. */
  readonly waiting?: number;
  /** How long a task waits at most, in milliseconds; 5000 unless given. */
  readonly maxWaitMs?: number;
}

/** Two passwords are hashed at once, 16 wait, for 5 s at most. */
export const standardHashLimits = { running: 2, waiting: 16, maxWaitMs: 5_000 } as const;

interface Waiting {
  readonly origin: string;
  readonly start: () => void;
  readonly refuse: () => void;
}

/**
 * Bounds the hashing of passwords: so many tasks at once, a short queue behind them, and `busy` beyond. An origin (an
 * address, say) that fills the queue makes way for others: theirs start first, and take its newest places.
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

  /** @throws {ChatError} `busy` when there is no place, or none came free in time; the task was not started. */
  async run<T>(origin: string, task: () => Promise<T>): Promise<T> {
    if (this.#running.length >= this.#maxRunning) await this.#wait(origin);
    else this.#running.push(origin);
    try {
      return await task();
    } finally {
      // Chosen while this one still counts as running, so that its origin does not go on at once when others wait.
      const next = this.#waiting.find((waiting) => !this.#running.includes(waiting.origin)) ?? this.#waiting.at(0);
      this.#running.splice(this.#running.indexOf(origin), 1);
      next?.start();
    }
  }

  #wait(origin: string): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting && !this.#makeWay(origin)) return Promise.reject(this.#busy());
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

  /** Refuses the newest task of the origin that has the most waiting, if that leaves it no fewer than `origin` has then. */
  #makeWay(origin: string): boolean {
    const counts = new Map<string, number>();
    for (const waiting of this.#waiting) counts.set(waiting.origin, (counts.get(waiting.origin) ?? 0) + 1);
    const [greedy, most] = [...counts].reduce((a, b) => b[1] > a[1] ? b : a);
    if (most - 1 < (counts.get(origin) ?? 0) + 1) return false;
    this.#waiting.findLast((waiting) => waiting.origin === greedy)?.refuse();
    return true;
  }

  #busy(): ChatError {
    return new ChatError("busy", "Too many people are logging in right now: try again in a few seconds.", {
      retryAfterMs: 2000,
    });
  }
}
