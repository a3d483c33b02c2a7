/**
 * A listener for SIGHUP, which has two meanings. On a terminal, the signal means that the terminal is gone, and the
 * server ends. For a server without a terminal (a service, a container), it is the operator's order to reload. The owner
 * disposes of it.
 */
export class Hangup implements Disposable {
  readonly #listener: (() => void) | undefined;

  /** Does nothing on Windows, which has no SIGHUP. */
  constructor(listener: () => void) {
    if (Deno.build.os === "windows") return;
    this.#listener = listener;
    Deno.addSignalListener("SIGHUP", listener);
  }

  [Symbol.dispose](): void {
    if (this.#listener !== undefined) Deno.removeSignalListener("SIGHUP", this.#listener);
  }
}

/** Reports whether this process was started on a terminal. */
export function isOnTerminal(): boolean {
  return Deno.stdin.isTerminal() || Deno.stderr.isTerminal();
}
