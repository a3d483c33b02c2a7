// What a room costs with 1,500 people in it, beside one with 150: in work that is counted.
import assert from "node:assert/strict";
import type { StatementSync } from "node:sqlite";
import { Database } from "../../../src/store/sqlite/database.ts";
import { FakeSubscriber, password, TestChat } from "../../support/servers/test_chat.ts";
import { TestRooms } from "../../support/servers/test_rooms.ts";
import { TestStore } from "../../support/servers/test_store.ts";

/** Counts what is asked of a database: statements that ran, and rows that they gave or changed. */
class Work {
  statements = 0;
  rows = 0;

  constructor(database: Database) {
    const prepare = database.prepare.bind(database);
    database.prepare = (sql) => this.#count(prepare(sql));
  }

  #count(statement: StatementSync): StatementSync {
    const run = statement.run.bind(statement);
    const get = statement.get.bind(statement);
    const all = statement.all.bind(statement);
    const counted = {
      run: (...values: never[]) => this.#took(run(...values), ({ changes }) => Number(changes)),
      get: (...values: never[]) => this.#took(get(...values), (row) => row === undefined ? 0 : 1),
      all: (...values: never[]) => this.#took(all(...values), (rows) => rows.length),
    };
    return Object.assign(statement, counted);
  }

  #took<Result>(result: Result, rows: (result: Result) => number): Result {
    this.statements++;
    this.rows += rows(result);
    return result;
  }
}

/** A public room of ana's with so many members, of whom ben, cleo and the last one are online; and what was done to the database. */
async function openLarge(size: number) {
  const database = Database.openInMemory();
  const work = new Work(database);
  const store = TestStore.open(database);
  const members = Array.from({ length: size - 3 }, (_, index) => `user${index}`);
  const rooms = new TestRooms(await TestChat.open({ store }));
  for (const name of members) await rooms.test.accounts.addUser({ name, password });
  const room = await rooms.create("ana", "ops");
  await Promise.all(["ben", "cleo", ...members].map((user) => rooms.join(user, room)));
  const online = ["ben", "cleo", members.at(-1)!].map((user) => new FakeSubscriber({ user }));
  for (const subscriber of online) {
    await rooms.test.chat.settings.load(subscriber.identity.user);
    rooms.test.chat.subscribe(subscriber);
  }
  return { rooms, room, online, work };
}

type Large = Awaited<ReturnType<typeof openLarge>>;

/** What `action` costs the second time, when what it needs is known. */
async function costOf({ work }: Large, action: () => Promise<unknown>): Promise<{ statements: number; rows: number }> {
  await action();
  const before = { statements: work.statements, rows: work.rows };
  await action();
  return { statements: work.statements - before.statements, rows: work.rows - before.rows };
}

async function costs(large: Large) {
  const { rooms, room } = large;
  const { chat } = rooms.test;
  const amendment = async () => ({ to: room, id: rooms.id(), seq: (await rooms.test.send("ben", room)).seq });
  const page = { beforeSeq: 0, afterSeq: 0, fromMs: 0, events: true, limit: 50 };
  const { head } = chat;
  const { seq } = await rooms.test.send("ana", room);
  return {
    send: await costOf(large, () => rooms.test.send("ben", room)),
    mention: await costOf(large, () => rooms.test.send("ben", room, "hello @cleo")),
    edit: await costOf(
      large,
      async () =>
        await chat.posting.submit(await chat.posting.checkEdit("ben", { ...await amendment(), text: "edited" })),
    ),
    react: await costOf(large, async () =>
      await chat.posting.submit(
        await chat.posting.checkReaction("cleo", { ...await amendment(), emoji: "👍", remove: false }),
      )),
    "leave and join": await costOf(large, async () => {
      await rooms.leave("cleo", room);
      await rooms.join("cleo", room);
    }),
    "ban and unban": await costOf(large, async () => {
      await rooms.remove("ana", room, "cleo", { ban: true });
      await rooms.unban("ana", room, "cleo");
      await rooms.join("cleo", room);
    }),
    topic: await costOf(large, () => chat.rooms.setTopic({ user: "ana" }, { id: rooms.id(), room, topic: "x" })),
    members: await costOf(large, () => chat.rooms.members("ben", room, { after: "", limit: 100 })),
    history: await costOf(large, () => chat.history("ben", { ...page, with: room })),
    conversations: await costOf(large, () => chat.conversations("ben", { beforePosition: 0, limit: 50 })),
    delivery: await costOf(large, () => chat.messagesAfter("ben", head, { limit: 10, maxBytes: 10_000 })),
    readers: await costOf(large, () => chat.readersOf("ben", { with: room, seq })),
  };
}

Deno.test("with ten times the members, nothing that people do in a room costs more", async () => {
  const [small, large] = [await openLarge(150), await openLarge(1_500)];
  await using _ = small.rooms;
  await using __ = large.rooms;
  const ofSmall = Object.entries(await costs(small));
  const ofLarge = Object.entries(await costs(large));
  // What people read of their own is written when its time comes, to any of these.
  const timed = 20;
  for (const [index, [action, { rows, statements }]] of ofLarge.entries()) {
    const [, before] = ofSmall[index];
    const said =
      `${action}: ${rows} rows and ${statements} statements, instead of ${before.rows} and ${before.statements}`;
    assert.ok(rows <= before.rows + timed && statements <= before.statements + timed, said);
    assert.ok(rows < 200 && statements < 200, said);
  }
});

Deno.test("in a room of 1,500, who is online is offered each message once, and the members are listed page by page", async () => {
  const { rooms, room, online } = await openLarge(1_500);
  await using _ = rooms;
  for (let index = 0; index < 20; index++) await rooms.test.send("ana", room, `${index}`);
  for (const { texts } of online) assert.deepEqual(texts, Array.from({ length: 20 }, (_, index) => `${index}`));
  const listed: string[] = [];
  for (let count = 200; count === 200;) {
    const page = await rooms.test.chat.rooms.members("ben", room, { after: listed.at(-1) ?? "", limit: 200 });
    count = page.length;
    listed.push(...page.map(({ user }) => user));
  }
  assert.equal(new Set(listed).size, 1_500);
  assert.deepEqual(listed, [...listed].sort());
  const stored = await rooms.test.store.rooms.findRoom(room);
  assert.equal(stored!.roles.size, 1_500);
});

Deno.test("joining costs the thousandth member what it costs the hundredth", async () => {
  const costOfJoins = async (size: number) => {
    const { rooms, room, work } = await openLarge(size);
    await using _ = rooms;
    for (let index = 0; index < 10; index++) await rooms.test.accounts.addUser({ name: `late${index}`, password });
    const before = work.statements + work.rows;
    for (let index = 0; index < 10; index++) await rooms.join(`late${index}`, room);
    return work.statements + work.rows - before;
  };
  assert.equal(await costOfJoins(1_000), await costOfJoins(100));
});
