export interface ShutdownSignalsOptions {
  /** Called when the second signal comes, right before the process ends. */
  readonly onSecond?: () => void;
}

/** Hears SIGINT and SIGTERM: the first asks to stop, a second one ends the process at once. Owned by the caller. */
export class ShutdownSignals implements Disposable {
  readonly #first = Promise.withResolvers<Deno.Signal>();
  #count = 0;
  readonly #heard = new Map<Deno.Signal, () => void>();

  constructor({ onSecond }: ShutdownSignalsOptions = {}) {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const listener = () => {
        this.#count += 1;
        if (this.#count > 1) {
          onSecond?.();
          Deno.exit(1);
        }
        this.#first.resolve(signal);
      };
      this.#heard.set(signal, listener);
      Deno.addSignalListener(signal, listener);
    }
  }

  /** Resolves with the first one. */
  get first(): Promise<Deno.Signal> {
    return this.#first.promise;
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#heard) Deno.removeSignalListener(signal, listener);
  }
}
