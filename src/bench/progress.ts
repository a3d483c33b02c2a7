const eraseLine = new TextEncoder().encode("\r\x1b[K");

/**
 * Progress on stderr: one changing line on a terminal, and elsewhere a line for the begin and one for the end of each
 * run.
 */
export class Progress {
  readonly #isTerminal = Deno.stderr.isTerminal();
  #label = "";
  readonly #signal: AbortSignal;

  /** @param signal ends all output: after an interruption, the rest fails because its processes are gone */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#isTerminal && Deno.stderr.writeSync(eraseLine));
  }

  begin(label: string): void {
    this.#label = label;
    if (!this.#isTerminal) this.#write(`${label} …\n`);
    else this.say("starting");
  }

  /** Shows the state of the current run. */
  say(words: string): void {
    if (this.#isTerminal) this.#write(`\r\x1b[K${this.#label}: ${words}`);
  }

  end(words: string): void {
    this.#write(`${this.#isTerminal ? "\r\x1b[K" : ""}${this.#label}: ${words}\n`);
  }

  #write(text: string): void {
    if (this.#signal.aborted) return;
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}
