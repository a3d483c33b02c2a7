import type { Change, ChangeResult } from "../../../src/core/messages/message_store.ts";
import { TestMessageStore } from "../servers/test_message_store.ts";
import { TestStore } from "../servers/test_store.ts";

interface Held {
  readonly gate: PromiseWithResolvers<unknown>;
  readonly begun: PromiseWithResolvers<void>;
  readonly stored: boolean;
}

/** A log that writes when a test lets it, as if the disk were slow. */
export class GatedMessageStore extends TestMessageStore {
  #held: Held | undefined;

  static open(): TestStore<GatedMessageStore> {
    return TestStore.openWith((log) => new GatedMessageStore(log));
  }

  /**
   * The next commit is held; `begun` resolves when it was called. `release` lets it go on, or fail. With `stored`, it is
   * in the store before, and only its answer is held.
   */
  hold({ stored = false } = {}): { begun: Promise<void>; release(error?: unknown): void } {
    const held = this.#held = { gate: Promise.withResolvers<unknown>(), begun: Promise.withResolvers<void>(), stored };
    return { begun: held.begun.promise, release: (error) => held.gate.resolve(error) };
  }

  override async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    const held = this.#held;
    if (held === undefined) return await super.commit(changes);
    this.#held = undefined;
    const results = held.stored ? await super.commit(changes) : undefined;
    held.begun.resolve();
    const error = await held.gate.promise;
    if (error !== undefined) throw error;
    return results ?? await super.commit(changes);
  }
}
