import { sanitizeLine } from "../../core/sanitize.ts";
import type { Notify } from "./preferences.ts";

/** Time between two alerts at least, in milliseconds. */
const quietMs = 2_000;
const maxText = 100;

export interface AlertsOptions {
  /** How to notify the desktop. */
  notify(): Notify;
  /** Writes a sequence to the terminal. */
  emit(sequence: string): void;
}

/** Calls the person to the terminal, by its bell and by desktop notifications if they are on. */
export class Alerts {
  readonly #options: AlertsOptions;
  #last = -Infinity;

  constructor(options: AlertsOptions) {
    this.#options = options;
  }

  /** A message for the person arrived. */
  ring(title: string, text: string): void {
    const now = performance.now();
    if (now - this.#last < quietMs) return;
    this.#last = now;
    this.#options.emit(`\x07${notification(this.#options.notify(), title, text)}`);
  }
}

/**
 * The sequence of a desktop notification; "" when they are off. No text can end it early, or be taken for a field or a
 * command of it.
 */
export function notification(notify: Notify, title: string, text: string): string {
  const [safeTitle, safeText] = [title, text].map((part) => {
    const line = sanitizeLine(part.replace(/\s+/g, " ")).replaceAll(";", ",");
    return [...line].slice(0, maxText).join("");
  });
  if (notify === "osc777") return `\x1b]777;notify;${safeTitle};${safeText}\x1b\\`;
  // ConEmu and Windows Terminal take a digit for a command of theirs.
  return notify === "osc9" ? `\x1b]9;${`${safeTitle}: ${safeText}`.replace(/^[\d\s]/, "_$&")}\x1b\\` : "";
}
