import assert from "node:assert/strict";
import fc from "fast-check";
import { DeliveryCursor } from "../../src/client/delivery_cursor.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { ExclusiveMessageStore } from "../../src/core/messages/message_store.ts";
import type { HelloResponse } from "../../src/gen/chatd/v1/session.ts";
import { judgeResume } from "../../src/session/resume.ts";
import { CopiedPostgresStore } from "../support/databases/copied_postgres_store.ts";
import { CopiedSqliteStore, type CopiedStore } from "../support/servers/copied_sqlite_store.ts";
import { accept, deviceRecord, directAppend, userRecord } from "../support/servers/stored_messages.ts";

const limits = { limit: 1_000, maxBytes: 1_000_000 };

/** A log that is opened, copied and put back, with ana, ben and ben's device. */
class CopiedLog implements AsyncDisposable {
  readonly #store: CopiedStore;
  #copies = 0;

  private constructor(store: CopiedStore) {
    this.#store = store;
  }

  static async make(store: CopiedStore): Promise<CopiedLog> {
    const log = new CopiedLog(store);
    await log.open();
    for (const user of ["ana", "ben"]) await store.accounts.addUser(userRecord(user));
    await store.accounts.saveDevice(deviceRecord("d1", "ben"));
    return log;
  }

  get messages(): ExclusiveMessageStore {
    return this.#store.messages;
  }

  /** In a millisecond of its own: ids of incarnations begin with their time. */
  async open(): Promise<void> {
    for (const start = Date.now(); Date.now() === start;) await Promise.resolve();
    await this.#store.open();
  }

  /** Copies the store while it is open. */
  async copy(): Promise<void> {
    await this.#store.copy(this.#copies++);
  }

  /** @param undo drops newer copies, so that the store never returns to an abandoned state */
  async putBack(number: number, { undo }: { undo: boolean }): Promise<void> {
    if (this.#copies === 0) return;
    const copy = number % this.#copies;
    await this.#store.putBack(copy);
    if (undo) this.#copies = copy + 1;
    await this.open();
  }

  async append(): Promise<string> {
    const { id } = await accept(this.messages, directAppend("ana", "ben", { id: createMessageId() }));
    return id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }
}

/** A consumer of ben's device, which takes some of the messages and acknowledges some of those. */
class Client {
  readonly taken = new Set<string>();
  /** The server reported that the log was put back. */
  wasTold = false;
  /** Messages before its first session are not delivered to it. */
  readonly before: ReadonlySet<string>;
  readonly #name: string;
  #cursor = new DeliveryCursor();

  constructor(name: string, sent: readonly string[]) {
    this.#name = name;
    this.before = new Set(sent);
  }

  /** Runs a session, after which the program may end. */
  async session(log: CopiedLog, { take, acknowledge, ends }: { take: number; acknowledge: boolean; ends: boolean }) {
    const { messages } = log;
    const resume = this.#cursor.resumePoint;
    const claim = {
      epoch: resume?.epoch ?? "",
      incarnation: resume?.incarnation ?? "",
      resumeAfter: resume?.after ?? 0,
    };
    const judged = await judgeResume(claim, messages);
    const stored = await messages.openConsumer("d1", this.#name, { maxConsumers: 100, start: judged.start });
    const cursor = Math.max(stored!, judged.after);
    const { epoch, sharedThrough } = judged;
    this.wasTold = this.#cursor.open(
      { epoch, sharedThrough, cursor, head: messages.head, incarnation: messages.incarnation } as HelloResponse,
    ) || this.wasTold;
    const batch = await messages.messagesAfter("ben", cursor, limits);
    let through = cursor;
    for (const { position, id } of batch.messages.slice(0, take)) {
      if (this.#cursor.isNew(position)) {
        assert.ok(!this.before.has(id) || cursor < position);
        this.taken.add(id);
      }
      this.#cursor.markTaken(position);
      through = position;
    }
    if (acknowledge) {
      await messages.commit([{ kind: "move_cursor", deviceId: "d1", consumer: this.#name, position: through }]);
    }
    if (ends) this.#cursor = new DeliveryCursor(this.#cursor.resumePoint);
  }
}

const session = fc.record({
  client: fc.nat({ max: 3 }),
  take: fc.nat({ max: 6 }),
  acknowledge: fc.boolean(),
  ends: fc.boolean(),
});
const step = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ do: "append" as const }) },
  { weight: 5, arbitrary: session.map((value) => ({ do: "session" as const, value })) },
  { weight: 1, arbitrary: fc.constant({ do: "open" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "copy" as const }) },
  { weight: 1, arbitrary: fc.nat().map((number) => ({ do: "put back" as const, number })) },
);

type Check = {
  readonly open: () => CopiedStore | Promise<CopiedStore>;
  readonly numRuns: number;
  readonly maxSteps: number;
};

/** @param judge checks the messages that a client missed */
async function check(
  { open, numRuns, maxSteps }: Check,
  { undo, judge }: { undo: boolean; judge(missed: string[], client: Client): void },
): Promise<void> {
  const property = fc.asyncProperty(fc.array(step, { maxLength: maxSteps, size: "max" }), async (steps) => {
    await using log = await CopiedLog.make(await open());
    const sent: string[] = [];
    const clients = new Map<number, Client>();
    const clientOf = (number: number) => {
      const known = clients.get(number) ?? new Client(`c${number}`, sent);
      clients.set(number, known);
      return known;
    };
    for (const each of steps) {
      if (each.do === "append") sent.push(await log.append());
      else if (each.do === "session") await clientOf(each.value.client).session(log, each.value);
      else if (each.do === "open") await log.open();
      else if (each.do === "copy") await log.copy();
      else await log.putBack(each.number, { undo });
    }
    const stored = (await log.messages.messagesAfter("ben", 0, limits)).messages.map(({ id }) => id);
    for (const client of clients.values()) {
      await client.session(log, { take: Infinity, acknowledge: false, ends: false });
      judge(stored.filter((id) => !client.taken.has(id) && !client.before.has(id)), client);
    }
  });
  await fc.assert(property, { numRuns });
}

function suite(name: string, options: Check): void {
  Deno.test(`${name}: no client misses an entry, however often the store is opened and put back`, async () => {
    await check(options, { undo: true, judge: (missed) => assert.deepEqual(missed, []) });
  });

  Deno.test(`${name}: no client misses an entry silently, even when the store goes back and forth between copies`, async () => {
    const judge = (missed: string[], { wasTold }: Client) => assert.ok(missed.length === 0 || wasTold, `${missed}`);
    await check(options, { undo: false, judge });
  });
}

suite("sqlite", { open: () => new CopiedSqliteStore(), numRuns: 60, maxSteps: 60 });
suite("postgres", { open: () => CopiedPostgresStore.make(), numRuns: 5, maxSteps: 40 });
