import assert from "node:assert/strict";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLog } from "../../../src/core/log.ts";
import { Retention } from "../../../src/core/messages/retention.ts";
import type { RetentionStore } from "../../../src/core/messages/retention_store.ts";
import { eventually } from "../../support/waiting/eventually.ts";

/** The number of items of a sweep. */
const many = 10_000;

/** Answers at once, as SQLite does, and counts its calls. */
class LargeStore implements RetentionStore {
  pages = 0;
  forgotten = 0;

  listRules = () => Promise.resolve([]);
  setRule = () => Promise.resolve(true);
  removeRule = () => Promise.resolve(true);
  removeDue = () => Promise.resolve(0);

  findDue(after: number) {
    this.pages++;
    return Promise.resolve({ due: [], next: after < many ? after + 1 : undefined });
  }

  forgetSpentIds(_time: number, limit: number) {
    return Promise.resolve(this.forgotten++ < many ? limit : 0);
  }
}

async function sweepUntilTurn(store: LargeStore): Promise<void> {
  const retention = new Retention({ store, clock: systemClock, log: silentLog, onRemoved: () => {} });
  const sweep = retention.sweep();
  await new Promise((resolve) => setTimeout(resolve, 0));
  await retention.close();
  await sweep;
}

Deno.test("a sweep of many conversations yields to other work, and ends when it is closed", async () => {
  const store = new LargeStore();
  store.forgotten = many;
  await sweepUntilTurn(store);
  assert.ok(store.pages > 0 && store.pages < many, `${store.pages} pages`);
});

Deno.test("forgetting many spent ids yields to other work, and ends when it is closed", async () => {
  const store = new LargeStore();
  await sweepUntilTurn(store);
  assert.ok(store.forgotten > 0 && store.forgotten < many, `${store.forgotten} steps`);
  assert.equal(store.pages, 0);
});

/** Has conversations with one entry each beyond their rules. */
class DueStore implements RetentionStore {
  readonly due = [1, 2];
  readonly removed: number[] = [];

  listRules = () => Promise.resolve([]);
  setRule = () => Promise.resolve(true);
  removeRule = () => Promise.resolve(true);
  forgetSpentIds = () => Promise.resolve(0);
  findDue = () => Promise.resolve({ due: [...this.due], next: undefined });

  removeDue(conversation: number): Promise<number> {
    const index = this.due.indexOf(conversation);
    if (index < 0) return Promise.resolve(0);
    this.due.splice(index, 1);
    this.removed.push(conversation);
    return Promise.resolve(1);
  }
}

Deno.test("a rule that is set or removed counts at once while the server runs, and files without a holder are looked for", async () => {
  const store = new DueStore();
  let lookedForFiles = 0;
  const retention = new Retention({
    store,
    clock: systemClock,
    log: silentLog,
    onRemoved: () => void lookedForFiles++,
  });
  await retention.setRule({ conversation: "ana:ben", maxAgeMs: undefined, maxEntries: 1 });
  assert.deepEqual(store.removed, []);
  retention.start();
  await eventually(() => lookedForFiles === 1);
  assert.deepEqual(store.removed, [1, 2]);
  store.due.push(3);
  await retention.setRule({ conversation: "ana:ben", maxAgeMs: undefined, maxEntries: 1 });
  await eventually(() => lookedForFiles === 2);
  store.due.push(4);
  await retention.removeRule("ana:ben");
  await eventually(() => lookedForFiles === 3);
  await retention.close();
  assert.deepEqual(store.removed, [1, 2, 3, 4]);
});
