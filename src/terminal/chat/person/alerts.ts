import { systemTimers, type Timers } from "../../../client/timers.ts";
import { sanitizeLine } from "../../../core/sanitize.ts";
import { countOf } from "../../text/count_of.ts";
import { type Multiplexer, passThrough } from "../../text/multiplexer.ts";
import type { Notify } from "./preferences.ts";

/** Time between two alerts at least, in milliseconds. */
const quietMs = 2_000;
const maxText = 100;

export interface Alert {
  readonly title: string;
  readonly text: string;
  /** Whether the message names the person. */
  readonly isMention?: boolean;
}

export interface AlertsOptions {
  /** How to notify the desktop. */
  notify(): Notify;
  /** Writes a sequence to the terminal. */
  emit(sequence: string): void;
  readonly multiplexer?: Multiplexer;
  readonly timers?: Timers;
}

/** Calls the person to the terminal, by its bell and by desktop notifications if they are on. */
export class Alerts {
  readonly #options: AlertsOptions;
  readonly #timers: Timers;
  /** Alerts that came soon after the last one; undefined when none was told lately. */
  #gathered: Alert[] | undefined;
  #cancel = () => {};

  constructor(options: AlertsOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
  }

  /** A message for the person arrived. Alerts within 2 seconds after one are told together, at the end of this time. */
  ring(alert: Alert): void {
    if (this.#gathered !== undefined) return void this.#gathered.push(alert);
    this.#tell(alert);
  }

  close(): void {
    this.#cancel();
  }

  #tell({ title, text }: Alert): void {
    const { notify, emit, multiplexer } = this.#options;
    emit(`\x07${passThrough(notification(notify(), title, text), multiplexer)}`);
    this.#gathered = [];
    this.#cancel = this.#timers.after(quietMs, () => this.#tellGathered());
  }

  #tellGathered(): void {
    const gathered = this.#gathered ?? [];
    this.#gathered = undefined;
    const alert = gathered.find(({ isMention }) => isMention) ?? gathered.at(0);
    if (alert === undefined) return;
    const more = gathered.length > 1 ? `, and ${countOf(gathered.length - 1, "more message")}` : "";
    this.#tell({ ...alert, title: `${alert.title}${more}` });
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
