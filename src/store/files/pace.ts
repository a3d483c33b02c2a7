/** The longest single pause, in milliseconds. */
const maxRestMs = 250;

/**
 * Throttles long work: after each step, the process pauses for as long as the step took. It blocks the thread, so it is
 * for processes with no other work.
 */
export class Pace {
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));
  #since = performance.now();

  rest(): void {
    Atomics.wait(this.#cell, 0, 0, Math.min(maxRestMs, performance.now() - this.#since));
    this.#since = performance.now();
  }
}
