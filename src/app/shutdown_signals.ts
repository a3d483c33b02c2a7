/**
 * Signals that come within this time of the first, in milliseconds, are the same wish: `deno task` passes Ctrl-C on to a
 * process that got it from the terminal already.
 */
const echoMs = 200;

export interface ShutdownSignalsOptions {
  /** Called when the second signal comes, right before the process ends. */
  readonly onSecond?: () => void;
}

/** Hears SIGINT and SIGTERM: the first asks to stop, a second one ends the process at once. Owned by the caller. */
export class ShutdownSignals implements Disposable {
  readonly #first = Promise.withResolvers<Deno.Signal>();
  #firstAt: number | undefined;
  readonly #heard = new Map<Deno.Signal, () => void>();

  constructor({ onSecond }: ShutdownSignalsOptions = {}) {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const listener = () => {
        const now = performance.now();
        this.#firstAt ??= now;
        if (now - this.#firstAt > echoMs) {
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
