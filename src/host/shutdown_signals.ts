/**
 * Signals that come within this time of the first, in milliseconds, are the same wish: `deno task` passes Ctrl-C on to a
 * process that got it from the terminal already. The time goes by in steps, each a turn of the event loop: what came while
 * this process was busy or stood still is heard before they are over.
 */
const echoMs = 200;
const echoSteps = 4;

export interface ShutdownSignalsOptions {
  /** Called when the second signal comes; the process ends when that is done. */
  readonly onSecond?: () => void | Promise<void>;
}

/** Hears SIGINT and SIGTERM: the first asks to stop, a second one ends the process at once. Owned by the caller. */
export class ShutdownSignals implements Disposable {
  readonly #first = Promise.withResolvers<Deno.Signal>();
  #echo: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #isEnding = false;
  readonly #heard = new Map<Deno.Signal, () => void>();

  constructor({ onSecond }: ShutdownSignalsOptions = {}) {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const listener = () => {
        if (this.#isOver) return this.#end(onSecond);
        if (this.#echo === undefined) this.#waitForEcho(echoSteps);
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
    clearTimeout(this.#echo);
    for (const [signal, listener] of this.#heard) Deno.removeSignalListener(signal, listener);
  }

  #end(onSecond: ShutdownSignalsOptions["onSecond"]): void {
    if (onSecond === undefined) Deno.exit(1);
    if (this.#isEnding) return;
    this.#isEnding = true;
    void Promise.try(onSecond).finally(() => Deno.exit(1));
  }

  #waitForEcho(steps: number): void {
    this.#isOver = steps === 0;
    if (this.#isOver) return;
    this.#echo = setTimeout(() => this.#waitForEcho(steps - 1), echoMs / echoSteps);
    Deno.unrefTimer(this.#echo);
  }
}
