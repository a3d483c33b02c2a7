// Captured here, so that fake time does not stop them.
const { setTimeout, clearTimeout } = globalThis;

/** One direction of a line in memory, which passes everything on in its order, each after the same delay. */
export class DelayedLine {
  readonly #delayMs: number;
  readonly #onTheWay = new Set<ReturnType<typeof setTimeout>>();

  /** @param delayMs 0 passes everything on at once */
  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  get isEmpty(): boolean {
    return this.#onTheWay.size === 0;
  }

  send(arrive: () => void): void {
    if (this.#delayMs === 0) return arrive();
    const timer = setTimeout(() => {
      this.#onTheWay.delete(timer);
      arrive();
    }, this.#delayMs);
    this.#onTheWay.add(timer);
  }

  /** Resolves when all that was sent before has arrived, or when `signal` aborts. */
  async pass(signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    signal?.addEventListener("abort", () => resolve());
    this.send(resolve);
    await promise;
    if (signal?.aborted) this.cut();
  }

  /** Loses everything on its way. */
  cut(): void {
    for (const timer of this.#onTheWay) clearTimeout(timer);
    this.#onTheWay.clear();
  }
}
