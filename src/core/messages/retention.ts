import type { GuardedClock } from "../clock.ts";
import type { Log } from "../log.ts";
import { pause } from "../pause.ts";
import { inSmallSteps } from "../small_steps.ts";
import { Sweep } from "../sweep.ts";
import { messageIdLifetimeMs } from "./message_id.ts";
import type { ConversationRule, RetentionStore } from "./retention_store.ts";

const sweepEveryMs = 5 * 60 * 1000;
/** Pause between two pages of conversations, in milliseconds, which leaves time for other work. */
const pageRestMs = 20;

export interface RetentionOptions {
  readonly store: RetentionStore;
  readonly clock: GuardedClock;
  readonly log: Log;
  /** Called when entries were removed: their files may have no holder left. */
  onRemoved(): void;
}

/** Applies the operator's retention rules to logs, in the background and in small steps. */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #sweep: Sweep;

  constructor(options: RetentionOptions) {
    this.#options = options;
    const work = (signal: AbortSignal) => this.#sweepAll(signal);
    this.#sweep = new Sweep({ everyMs: sweepEveryMs, work, log: options.log, failureEvent: "old entries stay" });
  }

  /** Applies the rules at once and then every five minutes, until {@link close}. */
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

  /** @returns whether there was such a rule. */
  async removeRule(conversation: string | undefined): Promise<boolean> {
    const isRemoved = await this.#options.store.removeRule(conversation);
    if (isRemoved && this.#sweep.isStarted) void this.sweep();
    return isRemoved;
  }

  /** Applies the rules to all conversations; a call during a run starts another run after it. Never rejects. */
  async sweep(): Promise<void> {
    await this.#sweep.run();
  }

  /** Resolves when the store is no longer used. */
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
