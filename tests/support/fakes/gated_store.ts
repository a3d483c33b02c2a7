import type { Change, ChangeResult } from "../../../src/core/messages/message_store.ts";
import { TestMessageStore, TestStore } from "../servers/test_store.ts";

/** A log that writes when a test lets it, as if the disk were slow. */
export class GatedMessageStore extends TestMessageStore {
  #gate: PromiseWithResolvers<unknown> | undefined;
  #begun: PromiseWithResolvers<void> | undefined;

  static open(): TestStore<GatedMessageStore> {
    return TestStore.openWith((database) => new GatedMessageStore(database));
  }

  /** The next commit is held; `begun` resolves when it was called. `release` lets it go on, or fail. */
  hold(): { begun: Promise<void>; release(error?: unknown): void } {
    const gate = this.#gate = Promise.withResolvers<unknown>();
    const begun = this.#begun = Promise.withResolvers<void>();
    return { begun: begun.promise, release: (error) => gate.resolve(error) };
  }

  override async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    const [gate, begun] = [this.#gate, this.#begun];
    if (gate === undefined) return await super.commit(changes);
    this.#gate = undefined;
    begun?.resolve();
    const error = await gate.promise;
    if (error !== undefined) throw error;
    return await super.commit(changes);
  }
}
