import type { Log } from "../../core/log.ts";
import { Hangup, isOnTerminal } from "../hangup.ts";
import type { StartFiles } from "./start_files.ts";

/** Event of the log when a file is of no use. */
export const notReloaded = "not reloaded: the server goes on with what it has";

export interface ReloadOptions {
  readonly log: Log;
  /** A change of one of these takes a restart. */
  readonly startFiles: StartFiles;
  /** Looks at the configuration and the files that a restart would use. @returns why it would fail; nothing when it would not */
  check(): Promise<readonly string[]>;
  /** SIGHUP came, a start file has changed, and the check found nothing. */
  onRestart(): void;
  /** SIGHUP came, and no start file has changed: only certificates may be other ones. */
  onRenew(): void;
  /** The terminal is gone. */
  onHangup(): void;
  /** Whether SIGHUP means the end of a terminal; found out unless given. */
  readonly onTerminal?: boolean;
}

/**
 * Reloads on SIGHUP, with a restart only where the configuration has changed. A restart is checked first, so that a bad
 * configuration or certificate leaves the server as it is. Owned by its maker, who disposes of it.
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
    if (!this.#isChecking) void this.#reload();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#hangup[Symbol.dispose]();
  }

  /** Files may have changed again while they were looked at. */
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
        log.info("restarting with another configuration", { signal: "SIGHUP" });
        onRestart();
      } else onRenew();
    }
    this.#isChecking = false;
  }
}
