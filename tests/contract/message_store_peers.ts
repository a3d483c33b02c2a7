import assert from "node:assert/strict";
import fc from "fast-check";
import type { AccountStore } from "../../src/core/accounts/account_store.ts";
import type { RoomEvent } from "../../src/core/messages/log_event.ts";
import type { ExclusiveMessageStore, UserSet } from "../../src/core/messages/message_store.ts";
import { accept, directAppend, entryAppend, userRecord } from "../support/servers/stored_messages.ts";
import { contractTests } from "./contract_tests.ts";
import type { OpenedStore } from "./message_store.ts";

const people = ["ana", "ben", "cleo", "dan"];
const strangers = names("stranger", 300);
const [ops, web] = ["o", "w"].map((letter) => "+" + letter.repeat(26));

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

/** A set of users that counts the users that a store looks at. */
class CountedUsers implements UserSet {
  readonly #users: ReadonlySet<string>;
  /** Users that were listed. */
  listed = 0;
  /** Users that were looked up. */
  lookedUp = 0;

  constructor(users: Iterable<string>) {
    this.#users = new Set(users);
  }

  get size(): number {
    return this.#users.size;
  }

  has(user: string): boolean {
    this.lookedUp++;
    return this.#users.has(user);
  }

  *keys(): Iterable<string> {
    for (const user of this.#users) {
      this.listed++;
      yield user;
    }
  }
}

interface Town {
  readonly messages: ExclusiveMessageStore;
  readonly accounts: AccountStore;
  /** Adds accounts. */
  add(users: readonly string[]): Promise<void>;
  /** Appends a message of one user to another. */
  write(from: string, to: string): Promise<void>;
  /** Appends an event of a room. */
  event(room: string, sender: string, event: RoomEvent): Promise<void>;
  /** Creates a room of ana and others. */
  room(room: string, members: readonly string[]): Promise<void>;
  /** Returns the peers of a user, by name, as both ways of finding them agree. */
  peers(user: string, others?: readonly string[]): Promise<string[]>;
}

/** Finding the peers of a user. `open` returns an empty store, which the suite closes. */
export function messageStorePeers(name: string, open: () => OpenedStore | Promise<OpenedStore>): void {
  const test = contractTests(name, {
    open,
    async prepare({ messages, accounts }) {
      const town = townOf(messages, accounts);
      await town.add(people);
      return town;
    },
  });

  test("peersAmong() returns the other users of direct conversations", async ({ messages, write, peers }) => {
    for (const [from, to] of [["ana", "ben"], ["ben", "ana"], ["cleo", "ana"], ["ana", "ana"], ["ben", "dan"]]) {
      await write(from, to);
    }
    assert.deepEqual(await peers("ana"), ["ben", "cleo"]);
    assert.deepEqual(await peers("ana", ["ana", "cleo", "nobody-knows"]), ["cleo"]);
    assert.deepEqual(await peers("dan"), ["ben"]);
    assert.deepEqual(await peers("nobody-knows"), []);
    assert.deepEqual(await messages.peersAmong("ana", new Set()), []);
  });

  test("peersAmong() returns the members of a room, without invited and former ones", async (town) => {
    await town.room(ops, ["ben", "cleo"]);
    await town.event(ops, "ana", { kind: "invited", user: "dan" });
    assert.deepEqual(await town.peers("ana"), ["ben", "cleo"]);
    assert.deepEqual(await town.peers("dan"), []);
    await town.event(ops, "cleo", { kind: "left" });
    await town.event(ops, "ana", { kind: "removed", user: "ben", banned: true });
    await town.event(ops, "dan", { kind: "joined" });
    assert.deepEqual(await town.peers("ana"), ["dan"]);
    for (const user of ["ben", "cleo"]) assert.deepEqual(await town.peers(user), []);
  });

  test("peersAmong() leaves out rooms of more than 100 members", async ({ add, room, event, write, peers }) => {
    const many = names("user", 99);
    await add(many);
    await room(ops, many);
    await room(web, ["user1"]);
    await write("ana", "user2");
    assert.deepEqual(await peers("ana", [...many, ...people]), many.toSorted());
    assert.deepEqual(await peers("ana", ["user98"]), ["user98"]);
    await event(ops, "ben", { kind: "joined" });
    assert.deepEqual(await peers("ana", [...many, ...people]), ["user1", "user2"]);
    assert.deepEqual(await peers("ana", ["user98"]), []);
  });

  test("peersAmong() finds a deleted account under its alias only", async ({ accounts, write, room, peers }) => {
    await write("ana", "ben");
    await room(ops, ["ben"]);
    await accounts.deleteUser("ben", { alias: "deleted-1", erase: false });
    assert.deepEqual(await peers("ana", ["ben", "deleted-1", "cleo"]), ["deleted-1"]);
    assert.deepEqual(await peers("deleted-1"), ["ana"]);
    assert.deepEqual(await peers("ben"), []);
  });

  test("peersAmong() looks only at the user's peers when more users are given", async ({ messages, write, room }) => {
    await write("ana", "ben");
    await room(ops, ["cleo"]);
    const others = new CountedUsers([...strangers, "ben"]);
    assert.deepEqual(await messages.peersAmong("ana", others), ["ben"]);
    assert.equal(others.listed, 0);
    assert.ok(others.lookedUp <= 4, `${others.lookedUp} look-ups`);
  });

  test("peersAmong() finds the same peers of a user with hundreds, whichever side is smaller", async (town) => {
    await town.add(strangers);
    for (const user of strangers) await town.write("ana", user);
    const among = async (others: Iterable<string>) => (await town.messages.peersAmong("ana", new Set(others))).length;
    assert.equal(await among(strangers.slice(0, 150)), 150);
    assert.equal(await among([...strangers, ...names("nobody", 100)]), 300);
    assert.equal(await among([...strangers.slice(10), ...names("nobody", 5)]), 290);
    assert.equal(await among(names("nobody", 500)), 0);
  });

  test("peersAmong() looks only at the given users when the user has more peers", async (town) => {
    const { messages, add, write, room } = town;
    await add(strangers);
    for (const user of strangers) await write("ana", user);
    await room(ops, strangers.slice(0, 90));
    const others = new CountedUsers(["stranger7", "ben", "stranger299"]);
    assert.deepEqual((await messages.peersAmong("ana", others)).toSorted(), ["stranger299", "stranger7"]);
    assert.ok(others.listed <= 6, `${others.listed} listed`);
    assert.equal(others.lookedUp, 0);
  });

  Deno.test(`${name}: peersAmong() is right in a random town, for few and for many users`, async () => {
    const user = fc.constantFrom(...people, ...names("user", 6));
    const scene = fc.record({
      directs: fc.array(fc.tuple(user, user), { maxLength: 12 }),
      rooms: fc.array(fc.uniqueArray(user, { maxLength: 6 }), { maxLength: 3 }),
      asker: user,
      others: fc.uniqueArray(user, { maxLength: 10 }),
    });
    await fc.assert(
      fc.asyncProperty(scene, async ({ directs, rooms, asker, others }) => {
        const { messages, accounts, close } = await open();
        try {
          const town = townOf(messages, accounts);
          await town.add([...people, ...names("user", 6)]);
          for (const [from, to] of directs) await town.write(from, to);
          const letters = [..."abc"];
          for (const members of rooms) await town.room("+" + letters.shift()!.repeat(26), members);
          const groups = [...directs, ...rooms.map((members) => ["ana", ...members])];
          const all = new Set(groups.filter((group) => group.includes(asker)).flat());
          const expected = others.filter((other) => other !== asker && all.has(other)).toSorted();
          assert.deepEqual(await town.peers(asker, others), expected);
        } finally {
          await close();
        }
      }),
      { numRuns: 40 },
    );
  });
}

function townOf(messages: ExclusiveMessageStore, accounts: AccountStore): Town {
  const among = async (user: string, others: Iterable<string>) =>
    (await messages.peersAmong(user, new Set(others))).toSorted();
  const event = async (room: string, sender: string, event: RoomEvent) => {
    await accept(messages, entryAppend(room, sender, { event, text: event.kind === "room_created" ? room : "" }));
  };
  return {
    messages,
    accounts,
    async add(users) {
      for (const user of users) await accounts.addUser(userRecord(user));
    },
    async write(from, to) {
      await accept(messages, directAppend(from, to));
    },
    event,
    async room(room, members) {
      await event(room, "ana", { kind: "room_created", isPublic: true, historyVisible: false });
      for (const user of members) if (user !== "ana") await event(room, user, { kind: "joined" });
    },
    async peers(user, others = people) {
      const found = await among(user, others);
      // Among many strangers, the store lists the user's own peers.
      assert.deepEqual(await among(user, [...others, ...strangers]), found);
      const oneByOne = await Promise.all(others.map((other) => among(user, [other])));
      assert.deepEqual(oneByOne.flat().toSorted(), found);
      return found;
    },
  };
}
