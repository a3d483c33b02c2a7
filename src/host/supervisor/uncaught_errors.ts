import type { ServerLog } from "../logging/server_log.ts";
import { crashedExitCode } from "./exit_codes.ts";

export interface UncaughtErrorsOptions {
  readonly log: Pick<ServerLog, "error" | "flush">;
  /** Ends the process; for tests. */
  readonly exit?: (code: number) => void;
}

/**
 * Ends a serving process after an uncaught error: it is a bug, and may have left state half changed. The error is logged,
 * and the process ends with {@link crashedExitCode} once the line is written. Accepted messages are on disk, and the
 * supervisor starts a new process.
 */
export class UncaughtErrors implements Disposable {
  readonly #log: UncaughtErrorsOptions["log"];
  readonly #exit: (code: number) => void;
  #isCrashing = false;
  readonly #onError = (event: ErrorEvent): void => this.#crash(event, event.error);
  readonly #onRejection = (event: PromiseRejectionEvent): void => this.#crash(event, event.reason);

  constructor({ log, exit = Deno.exit }: UncaughtErrorsOptions) {
    this.#log = log;
    this.#exit = exit;
    globalThis.addEventListener("error", this.#onError);
    globalThis.addEventListener("unhandledrejection", this.#onRejection);
  }

  [Symbol.dispose](): void {
    globalThis.removeEventListener("error", this.#onError);
    globalThis.removeEventListener("unhandledrejection", this.#onRejection);
  }

  #crash(event: Event, error: unknown): void {
    event.preventDefault();
    if (this.#isCrashing) return;
    this.#isCrashing = true;
    this.#log.error("crashed by an uncaught error", { error });
    void this.#log.flush().then(() => this.#exit(crashedExitCode));
  }
}
