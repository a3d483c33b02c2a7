import assert from "node:assert/strict";
import { WriterMemory } from "../../../../src/store/sqlite/writer/writer_memory.ts";
import { turnFailure, type TurnOrders, turnWord } from "../../../support/processes/turn_worker.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const worker = import.meta.resolve("../../../support/processes/turn_worker.ts");
const minuteMs = 60_000;

/** The control words of the memory that count turns, each by its index. */
const begun = 0;
const finished = 1;

/** A memory that is shared with a worker, which takes turns. */
class Fixture implements Disposable {
  readonly memory: WriterMemory;
  /** The memory's control words. */
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly #words = new Int32Array(new SharedArrayBuffer(8));
  readonly #worker = new Worker(worker, { type: "module" });

  /** @param turns those that were taken and finished before */
  constructor({ turns = 0 } = {}) {
    this.memory = new WriterMemory();
    this.control = new Int32Array(this.memory.buffer, 0, 2);
    this.control.fill(turns);
    this.#worker.postMessage({ memory: this.memory.buffer, words: this.#words.buffer } satisfies TurnOrders);
  }

  get taken(): number {
    return Atomics.load(this.#words, turnWord.taken);
  }

  begin(): void {
    this.memory.begin(new Uint8Array(8), 1);
  }

  holdTurns(): void {
    Atomics.store(this.#words, turnWord.mayFinish, 0);
  }

  letFinish(): void {
    Atomics.store(this.#words, turnWord.mayFinish, 1);
    Atomics.notify(this.#words, turnWord.mayFinish);
  }

  /** Wakes this thread while it waits for the end of a turn, and later lets the turn finish. */
  wakeThenLetFinish(): Disposable {
    const waker = new Worker(wakerProgram, { type: "module" });
    waker.postMessage({ control: this.control, words: this.#words });
    return { [Symbol.dispose]: () => waker.terminate() };
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

const wakerProgram = `data:text/javascript,
onmessage = ({ data: { control, words } }) => {
  while (Atomics.notify(control, ${finished}) === 0);
  setTimeout(() => {
    Atomics.store(words, ${turnWord.mayFinish}, 1);
    Atomics.notify(words, ${turnWord.mayFinish});
  }, 50);
};`;

/** Wakes a thread that waits for a change of a control word, without a change of it. */
async function wake(control: Int32Array<SharedArrayBuffer>, word: number): Promise<void> {
  await eventually(() => Atomics.notify(control, word) === 1);
}

Deno.test("a wake-up that comes late, after the turn that it is for, begins no other turn", async () => {
  using fixture = new Fixture();
  const { memory, control } = fixture;
  fixture.letFinish();
  await wake(control, begun);
  fixture.begin();
  assert.equal(memory.waitUntilFinished(minuteMs), true);
  await wake(control, begun);
  await wake(control, begun);
  assert.equal(fixture.taken, 1);
  assert.deepEqual([...control], [1, 1]);
});

Deno.test("a wake-up that comes late, after the turn that it is for, finishes no other turn", async () => {
  using fixture = new Fixture();
  const { memory } = fixture;
  fixture.begin();
  await eventually(() => fixture.taken === 1);
  using _waker = fixture.wakeThenLetFinish();
  assert.equal(memory.waitUntilFinished(minuteMs), true);
  assert.equal(memory.isBusy, false);
  assert.deepEqual(memory.failure, turnFailure);
});

Deno.test("finished() resolves after its turn, although the next one has begun", async () => {
  using fixture = new Fixture();
  const { memory } = fixture;
  fixture.letFinish();
  fixture.begin();
  const first = memory.finished();
  assert.equal(memory.waitUntilFinished(minuteMs), true);
  fixture.holdTurns();
  fixture.begin();
  await first;
  assert.equal(memory.isBusy, true);
  fixture.letFinish();
  await memory.finished();
  assert.equal(memory.isBusy, false);
});

Deno.test("a turn that takes too long is not finished", async () => {
  using fixture = new Fixture();
  fixture.begin();
  assert.equal(fixture.memory.waitUntilFinished(1), false);
  fixture.letFinish();
  await fixture.memory.finished();
  assert.equal(fixture.memory.waitUntilFinished(1), true);
});

Deno.test("turns are counted beyond the range of a word", async () => {
  using fixture = new Fixture({ turns: 2 ** 31 - 2 });
  const { memory, control } = fixture;
  fixture.letFinish();
  for (let turn = 0; turn < 2; turn++) {
    fixture.begin();
    assert.equal(memory.waitUntilFinished(minuteMs), true);
    fixture.begin();
    await memory.finished();
  }
  assert.equal(fixture.taken, 4);
  assert.deepEqual([...control], [-(2 ** 31) + 2, -(2 ** 31) + 2]);
});
