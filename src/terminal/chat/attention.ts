/** How long after the last key the person counts as present, in milliseconds. */
const presentMs = 30_000;

/** Whether the person is at the terminal, as far as their typing tells. */
export class Attention {
  #lastTyped = -Infinity;

  typed(): void {
    this.#lastTyped = performance.now();
  }

  get isPresent(): boolean {
    return performance.now() - this.#lastTyped < presentMs;
  }
}
