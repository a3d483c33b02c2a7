import type { GuardedClock } from "../clock.ts";
import type { Log } from "../log.ts";
import { pause } from "../pause.ts";
import { inSmallSteps } from "../small_steps.ts";
import { Sweep } from "../sweep.ts";
import { messageIdLifetimeMs } from "./message_id.ts";
import type { ConversationRule, RetentionStore } from "./retention_store.ts";

const sweepEveryMs = 5 * 60 * 1000;
/** Pause between two pages of conversations, in milliseconds, for other work. */
const pageRestMs = 20;

export interface RetentionOptions {
  readonly store: RetentionStore;
  readonly clock: GuardedClock;
  readonly log: Log;
  /** Entries were removed: files that they held may have no holder any more. */
  onRemoved(): void;
}

/** Shortens logs as the operator's rules say, in the background and bit by bit. */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #sweep: Sweep;

  constructor(options: RetentionOptions) {
    this.#options = options;
    const work = (signal: AbortSignal) => this.#sweepAll(signal);
    this.#sweep = new Sweep({ everyMs: sweepEveryMs, work, log: options.log, failureEvent: "old entries stay" });
  }

  /** From now on applies the rules, at once and every five minutes, until {@link close}. */
  start(): void {
    this.#sweep.start();
  }

  async listRules(): Promise<ConversationRule[]> {
    return await this.#options.store.listRules();
  }

  /** @returns false when there is no such conversation. */
  async setRule(rule: ConversationRule): Promise<boolean> {
    const isSet = await this.#options.store.setRule(rule);
    if (isSet && this.#sweep.isStarted) void this.sweep();
    return isSet;
  }

  /** @returns whether there was one. */
  async removeRule(conversation: string | undefined): Promise<boolean> {
    const isRemoved = await this.#options.store.removeRule(conversation);
    if (isRemoved && this.#sweep.isStarted) void this.sweep();
    return isRemoved;
  }

  /** Applies the rules to everything. What is asked for meanwhile is done after it. Never rejects. */
  async sweep(): Promise<void> {
    await this.#sweep.run();
  }

  /** Resolves when nothing uses the store any more. */
  async close(): Promise<void> {
    await this.#sweep.close();
  }

  async #sweepAll(signal: AbortSignal): Promise<void> {
    const { store, clock, log, onRemoved } = this.#options;
    const oldestId = clock.earliest() - messageIdLifetimeMs;
    await inSmallSteps((limit) => store.forgetSpentIds(oldestId, limit), signal);
    let removed = 0;
    for (let after: number | undefined = 0; after !== undefined && !signal.aborted;) {
      const { due, next }: { due: number[]; next: number | undefined } = await store.findDue(after, clock.earliest());
      for (const conversation of due) removed += await this.#shorten(conversation, signal);
      after = next;
      await pause(pageRestMs, signal);
    }
    if (removed === 0) return;
    log.info("old entries removed", { removed });
    onRemoved();
  }

  #shorten(conversation: number, signal: AbortSignal): Promise<number> {
    const { store, clock } = this.#options;
    const step = (limit: number) => store.removeDue(conversation, { now: clock.earliest(), limit });
    return inSmallSteps(step, signal);
  }
}
