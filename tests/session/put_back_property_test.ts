import assert from "node:assert/strict";
import fc from "fast-check";
import { DeliveryCursor } from "../../src/client/delivery_cursor.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { HelloResponse } from "../../src/gen/chatd/v1/session.ts";
import { judgeResume } from "../../src/session/resume.ts";
import { Database } from "../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../src/store/sqlite/sqlite_account_store.ts";
import { accept, deviceRecord, directAppend, userRecord } from "../support/servers/stored_messages.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const limits = { limit: 1_000, maxBytes: 1_000_000 };

/** A data folder that is opened, copied and put back, with the record of all messages to ben. */
class Folder implements Disposable {
  readonly #root = temporaryFolder();
  #database: Database | undefined;
  #copies = 0;
  messages!: SqliteMessageStore;

  static async make(): Promise<Folder> {
    const folder = new Folder();
    await folder.open();
    const accounts = new SqliteAccountStore(folder.#database!);
    for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
    await accounts.saveDevice(deviceRecord("d1", "ben"));
    return folder;
  }

  /** In a millisecond of its own: ids of incarnations begin with their time. */
  async open(): Promise<void> {
    for (const start = Date.now(); Date.now() === start;) await Promise.resolve();
    this.#database?.close();
    this.#database = Database.open(this.#root.path);
    this.messages = new SqliteMessageStore(this.#database);
    this.messages.beginIncarnation();
  }

  /** Copies the folder while it is open. */
  copy(): number {
    this.#database!.truncateLog();
    Deno.copyFileSync(`${this.#root.path}/chatd.sqlite`, `${this.#root.path}/copy${this.#copies}`);
    return this.#copies++;
  }

  /** @param undo drops newer copies, so that the folder never returns to an abandoned state */
  async putBack(number: number, { undo }: { undo: boolean }): Promise<void> {
    if (this.#copies === 0) return;
    this.#database!.close();
    const copy = number % this.#copies;
    Deno.copyFileSync(`${this.#root.path}/copy${copy}`, `${this.#root.path}/chatd.sqlite`);
    if (undo) this.#copies = copy + 1;
    await this.open();
  }

  async append(): Promise<string> {
    const { id } = await accept(this.messages, directAppend("ana", "ben", { id: createMessageId() }));
    return id;
  }

  [Symbol.dispose](): void {
    this.#database?.close();
    this.#root[Symbol.dispose]();
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
  async session(folder: Folder, { take, acknowledge, ends }: { take: number; acknowledge: boolean; ends: boolean }) {
    const { messages } = folder;
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

/** @param judge checks the messages that a client missed */
async function check({ undo, judge }: { undo: boolean; judge(missed: string[], client: Client): void }): Promise<void> {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
    using folder = await Folder.make();
    const sent: string[] = [];
    const clients = new Map<number, Client>();
    const clientOf = (number: number) => {
      const known = clients.get(number) ?? new Client(`c${number}`, sent);
      clients.set(number, known);
      return known;
    };
    for (const each of steps) {
      if (each.do === "append") sent.push(await folder.append());
      else if (each.do === "session") await clientOf(each.value.client).session(folder, each.value);
      else if (each.do === "open") await folder.open();
      else if (each.do === "copy") folder.copy();
      else await folder.putBack(each.number, { undo });
    }
    const log = (await folder.messages.messagesAfter("ben", 0, limits)).messages.map(({ id }) => id);
    for (const client of clients.values()) {
      await client.session(folder, { take: Infinity, acknowledge: false, ends: false });
      judge(log.filter((id) => !client.taken.has(id) && !client.before.has(id)), client);
    }
  });
  await fc.assert(property, { numRuns: 60 });
}

Deno.test("no client misses an entry, however often the folder is opened and put back", async () => {
  await check({ undo: true, judge: (missed) => assert.deepEqual(missed, []) });
});

Deno.test("no client misses an entry silently, even when the folder goes back and forth between copies", async () => {
  await check({ undo: false, judge: (missed, { wasTold }) => assert.ok(missed.length === 0 || wasTold, `${missed}`) });
});
