/**
 * Hears SIGHUP, which has two meanings. From the terminal that a server runs on, it says that the terminal is gone, and the
 * server ends. To a server without a terminal (a service, a container), it is the operator's wish to reload. Owned by its
 * maker, who disposes of it.
 */
export class Hangup implements Disposable {
  readonly #listener: (() => void) | undefined;

  /** Windows has no such signal. */
  constructor(listener: () => void) {
    if (Deno.build.os === "windows") return;
    this.#listener = listener;
    Deno.addSignalListener("SIGHUP", listener);
  }

  [Symbol.dispose](): void {
    if (this.#listener !== undefined) Deno.removeSignalListener("SIGHUP", this.#listener);
  }
}

/** Whether this process runs in the foreground of somebody's terminal, or did when it was started. */
export function isOnTerminal(): boolean {
  return Deno.stdin.isTerminal() || Deno.stderr.isTerminal();
}
