import type { Log } from "../core/log.ts";
import { Hangup, isOnTerminal } from "./hangup.ts";

export interface ReloadOptions {
  readonly log: Log;
  /** Looks at the configuration and the files that a restart would use. @returns why it would fail; nothing when it would not */
  check(): Promise<readonly string[]>;
  /** SIGHUP came, and the check found nothing. */
  onReload(): void;
  /** The terminal is gone. */
  onHangup(): void;
  /** Whether SIGHUP means the end of a terminal; found out unless given. */
  readonly onTerminal?: boolean;
}

/**
 * Reloads on SIGHUP: what is new is checked first, so that a bad certificate or configuration leaves the server as it is.
 * Owned by its maker, who disposes of it.
 */
export class Reload implements Disposable {
  readonly #options: ReloadOptions;
  readonly #hangup: Hangup;
  readonly #onTerminal: boolean;
  #isChecking = false;
  #isWanted = false;
  #isOver = false;

  constructor(options: ReloadOptions) {
    this.#options = options;
    this.#onTerminal = options.onTerminal ?? isOnTerminal();
    this.#hangup = new Hangup(() => this.heard());
  }

  /** What a SIGHUP does. */
  heard(): void {
    if (this.#onTerminal) return this.#options.onHangup();
    this.#isWanted = true;
    if (!this.#isChecking) void this.#checkAll();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#hangup[Symbol.dispose]();
  }

  /** Files may have changed again while they were looked at. */
  async #checkAll(): Promise<void> {
    const { log, check, onReload } = this.#options;
    this.#isChecking = true;
    while (this.#isWanted && !this.#isOver) {
      this.#isWanted = false;
      const reasons = await check().catch((error) => [String(error)]);
      if (this.#isWanted || this.#isOver) continue;
      if (reasons.length > 0) log.error("not reloaded: the server goes on with what it has", { reasons });
      else {
        log.info("reloading", { signal: "SIGHUP" });
        onReload();
      }
    }
    this.#isChecking = false;
  }
}
