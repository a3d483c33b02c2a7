import assert from "node:assert/strict";
import { silentLog } from "../../../src/core/log.ts";
import { Erasure } from "../../../src/core/messages/erasure.ts";
import { eventually } from "../../support/waiting/eventually.ts";

/** A store with something to erase, whose first step fails if `isBroken`. */
class Rest {
  left = 3;
  #isBroken: boolean;

  constructor({ isBroken = false } = {}) {
    this.#isBroken = isBroken;
  }

  step(): Promise<number> {
    const { left } = this;
    if (this.#isBroken) {
      this.#isBroken = false;
      return Promise.reject(new Error("no disk"));
    }
    this.left = 0;
    return Promise.resolve(left);
  }
}

function setUp(messages: Rest, entries: Rest, everyMs?: number) {
  const logged: string[] = [];
  let erased = 0;
  const erasure = new Erasure({
    store: { blankSome: () => messages.step() },
    rooms: { eraseDeleted: () => entries.step() },
    log: { ...silentLog, error: (event) => void logged.push(event) },
    everyMs,
    onErased: () => erased++,
  });
  return { erasure, logged, erased: () => erased };
}

Deno.test("a failure to erase messages of accounts does not stop the erasure of rooms, nor the other way round", async () => {
  const broken = { isBroken: true };
  for (
    const [messages, entries, error] of [
      [new Rest(broken), new Rest(), "messages of deleted accounts stay"],
      [new Rest(), new Rest(broken), "entries of deleted rooms stay"],
    ] as const
  ) {
    const { erasure, logged, erased } = setUp(messages, entries);
    await erasure.run();
    assert.equal(messages.left + entries.left, 3);
    assert.deepEqual(logged, [error]);
    assert.equal(erased(), 1);
    await erasure.run();
    assert.equal(messages.left + entries.left, 0);
    assert.equal(erased(), 2);
    await erasure.close();
  }
});

Deno.test("an erasure that failed is retried", async () => {
  const messages = new Rest({ isBroken: true });
  const entries = new Rest({ isBroken: true });
  const { erasure, logged } = setUp(messages, entries, 1);
  erasure.start();
  await eventually(() => messages.left + entries.left === 0);
  assert.equal(logged.length, 2);
  await erasure.close();
});
