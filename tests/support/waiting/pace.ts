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
    assert.ok(this.#isKept(), this.#show());
    this.#times.length = 0;
  }

  /**
   * Repeats the action under a load that lasts until most repetitions in a row are nearly as quick as before: a busy
   * machine slows them for a while, a flood that holds others up slows them always.
   * @throws {assert.AssertionError} when that is so in none of the attempts
   */
  async assertKeptUnderLoad({ attempts = 5, rounds = 10 } = {}): Promise<void> {
    for (let attempt = 1; attempt < attempts; attempt++) {
      if (await this.#repeatAll(rounds)) return;
    }
    assert.ok(await this.#repeatAll(rounds), this.#show());
  }

  async #repeatAll(rounds: number): Promise<boolean> {
    this.#times.length = 0;
    for (let round = 0; round < rounds; round++) await this.repeat();
    return this.#isKept();
  }

  #isKept(): boolean {
    return median(this.#times) <= mostRatio * Math.max(this.#calmMs, leastMs);
  }

  #show(): string {
    const flooded = `${median(this.#times).toFixed(1)} ms under the flood`;
    return `${this.#name} takes ${flooded}, and ${this.#calmMs.toFixed(1)} ms without it`;
  }
}

function median(times: readonly number[]): number {
  assert.ok(times.length > 0, "nothing was measured");
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)];
}
