import type { Log } from "../../core/log.ts";
import { Hangup, isOnTerminal } from "../hangup.ts";
import type { StartFiles } from "./start_files.ts";

/** The log event for a file that cannot be used. */
export const notReloaded = "not reloaded: the server goes on with what it has";

export interface ReloadOptions {
  readonly log: Log;
  /** Files whose change needs a restart. */
  readonly startFiles: StartFiles;
  /**
   * Checks the configuration and the files that a restart would use.
   * @returns the reasons why it would fail; empty when it would not
   */
  check(): Promise<readonly string[]>;
  /** Called on SIGHUP when a start file changed and the check passed. */
  onRestart(): void;
  /** Called on SIGHUP when no start file changed: only certificates may have. */
  onRenew(): void;
  /** Called when the terminal is gone. */
  onHangup(): void;
  /** Whether SIGHUP means the end of a terminal; {@link isOnTerminal} unless given. */
  readonly onTerminal?: boolean;
}

/**
 * Reloads on SIGHUP, and restarts only when the configuration changed. A check precedes the restart: with an invalid
 * configuration or certificate, the server keeps running as it is. The owner disposes of it.
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
    this.#hangup = new Hangup(() => this.handleHangup());
  }

  /** Handles a SIGHUP. */
  handleHangup(): void {
    if (this.#onTerminal) return this.#options.onHangup();
    this.#isWanted = true;
    if (!this.#isChecking) void this.#reload();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#hangup[Symbol.dispose]();
  }

  /** Repeats when another SIGHUP came during the check: files may have changed again. */
  async #reload(): Promise<void> {
    const { log, startFiles, check, onRestart, onRenew } = this.#options;
    this.#isChecking = true;
    while (this.#isWanted && !this.#isOver) {
      this.#isWanted = false;
      const isRestart = startFiles.haveChanged();
      const reasons = isRestart ? await check().catch((error) => [String(error)]) : [];
      if (this.#isWanted || this.#isOver) continue;
      if (reasons.length > 0) log.error(notReloaded, { reasons });
      else if (isRestart) {
        log.info("restarting with a changed configuration", { signal: "SIGHUP" });
        onRestart();
      } else onRenew();
    }
    this.#isChecking = false;
  }
}
