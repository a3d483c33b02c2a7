/**
 * Signals within this time of the first, in milliseconds, count as one: `deno task` passes Ctrl-C on to a process that
 * already got it from the terminal. The time passes in steps, each a turn of the event loop, so signals that arrived
 * while this process was busy or stopped are handled before it is over.
 */
const echoMs = 200;
const echoSteps = 4;

export interface ShutdownSignalsOptions {
  /** Called on the second signal; the process ends when the result resolves. */
  readonly onSecond?: () => void | Promise<void>;
}

/**
 * A listener for SIGINT and SIGTERM: the first signal asks to stop, the second ends the process at once. The owner
 * disposes of it.
 */
export class ShutdownSignals implements Disposable {
  readonly #first = Promise.withResolvers<Deno.Signal>();
  #echo: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #isEnding = false;
  readonly #listeners = new Map<Deno.Signal, () => void>();

  constructor({ onSecond }: ShutdownSignalsOptions = {}) {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const listener = () => {
        if (this.#isOver) return this.#end(onSecond);
        if (this.#echo === undefined) this.#waitForEcho(echoSteps);
        this.#first.resolve(signal);
      };
      this.#listeners.set(signal, listener);
      Deno.addSignalListener(signal, listener);
    }
  }

  /** Resolves with the first signal. */
  get first(): Promise<Deno.Signal> {
    return this.#first.promise;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#echo);
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
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
