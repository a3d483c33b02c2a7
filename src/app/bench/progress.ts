/** Tells on stderr what goes on: on a terminal in one line that changes, elsewhere a line for what begins and what it led to. */
export class Progress {
  readonly #isTerminal = Deno.stderr.isTerminal();
  #label = "";
  #isOver = false;

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

  /** Says nothing more: what still fails does so because it is over. */
  close(): void {
    if (this.#isTerminal) this.#write("\r\x1b[K");
    this.#isOver = true;
  }

  #write(text: string): void {
    if (this.#isOver) return;
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}
