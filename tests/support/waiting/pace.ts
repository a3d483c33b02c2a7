import assert from "node:assert/strict";

/** Times below this are noise of the machine. */
const leastMs = 2;
/** How many times longer an action may take under load. */
const mostRatio = 100;

/** Resolves with how long it took, in milliseconds. */
type TimedAction = () => Promise<number>;

/** Compares how long an action takes while a test floods a server with how long it took before, on the same machine. */
export class Pace {
  readonly #name: string;
  readonly #action: TimedAction;
  readonly #calmMs: number;
  readonly #times: number[] = [];

  private constructor(name: string, action: TimedAction, calmMs: number) {
    this.#name = name;
    this.#action = action;
    this.#calmMs = calmMs;
  }

  /**
   * Measures the action without a flood.
   * @param name "a message from ana to ben"
   * @param now a clock in milliseconds, that of the system unless given
   */
  static async measure(
    name: string,
    action: () => Promise<void>,
    { rounds = 11, now = () => performance.now() } = {},
  ): Promise<Pace> {
    const timed = async () => {
      const begun = now();
      await action();
      return now() - begun;
    };
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) times.push(await timed());
    return new Pace(name, timed, median(times));
  }

  /** Repeats the action under load, and keeps its time. */
  async repeat(): Promise<void> {
    this.#times.push(await this.#action());
  }

  /** @throws {assert.AssertionError} unless most of the repeated actions were nearly as quick as those before the flood */
  assertKept(): void {
    const [calm, flooded] = [Math.max(this.#calmMs, leastMs), median(this.#times)];
    const figures = `${flooded.toFixed(1)} ms under the flood, and ${this.#calmMs.toFixed(1)} ms without it`;
    assert.ok(flooded <= mostRatio * calm, `${this.#name} takes ${figures}`);
    this.#times.length = 0;
  }
}

function median(times: readonly number[]): number {
  assert.ok(times.length > 0, "nothing was measured");
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)];
}
