const eraseLine = new TextEncoder().encode("\r\x1b[K");

/** Tells on stderr what goes on: on a terminal in one line that changes, elsewhere a line for what begins and what it led to. */
export class Progress {
  readonly #isTerminal = Deno.stderr.isTerminal();
  #label = "";
  readonly #signal: AbortSignal;

  /** What is interrupted says nothing more: what it still does fails, because its processes are gone. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#isTerminal && Deno.stderr.writeSync(eraseLine));
  }

  begin(label: string): void {
    this.#label = label;
    if (!this.#isTerminal) this.#write(`${label} …\n`);
    else this.say("starting");
  }

  /** Of what began. */
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
