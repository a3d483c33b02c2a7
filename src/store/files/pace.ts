/** Longest rest at once, in milliseconds. */
const maxRestMs = 250;

/**
 * Keeps long work from having the machine to itself: between its steps this process rests for as long as the step took, blocking. For
 * processes that do nothing else.
 */
export class Pace {
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));
  #since = performance.now();

  rest(): void {
    Atomics.wait(this.#cell, 0, 0, Math.min(maxRestMs, performance.now() - this.#since));
    this.#since = performance.now();
  }
}
