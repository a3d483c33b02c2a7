import assert from "node:assert/strict";
import type { AccountStore } from "../../src/core/accounts/account_store.ts";
import type { RoomEvent } from "../../src/core/messages/log_event.ts";
import type { Message } from "../../src/core/messages/message.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { Append, ExclusiveMessageStore } from "../../src/core/messages/message_store.ts";
import { defaultSettings, type SettingsStore } from "../../src/core/people/settings_store.ts";
import type { RoomStore } from "../../src/core/rooms/room_store.ts";
import { accept, directAppend, entryAppend, userRecord } from "../support/servers/stored_messages.ts";
import { contractTests } from "./contract_tests.ts";

export interface OpenedRoomStore {
  readonly messages: ExclusiveMessageStore;
  readonly accounts: AccountStore;
  readonly settings: SettingsStore;
  readonly rooms: RoomStore;
  close(): void | Promise<void>;
}

const unlimited = { limit: 1_000, maxBytes: 1_000_000 };
const wholeLog = { beforeSeq: 0, afterSeq: 0, fromMs: 0, events: true, ...unlimited };
const allRooms = { query: "", after: "", limit: 100 };

function roomId(letter: string): string {
  return "+" + letter.repeat(26);
}

/** Rooms made of what happens in them. */
class Setting {
  readonly #messages: ExclusiveMessageStore;

  constructor(messages: ExclusiveMessageStore) {
    this.#messages = messages;
  }

  create(
    id: string,
    options: { name: string; by?: string; isPublic?: boolean; historyVisible?: boolean },
  ): Promise<Message> {
    const { name, by = "ana", isPublic = true, historyVisible = true } = options;
    return this.event(id, by, { kind: "room_created", isPublic, historyVisible }, name);
  }

  event(conversation: string, sender: string, event: RoomEvent, text = ""): Promise<Message> {
    return this.#accept({ conversation, sender, text, event });
  }

  say(conversation: string, sender: string, text: string, mentions: string[] = []): Promise<Message> {
    return this.#accept({ conversation, sender, text, mentions });
  }

  async read(conversation: string, user: string, seq: number): Promise<void> {
    await this.#messages.commit([{ kind: "move_read", conversation, user, seq }]);
  }

  #accept(entry: Pick<Append, "conversation" | "sender" | "text" | "event" | "mentions">): Promise<Message> {
    const append: Append = {
      kind: "append",
      members: [],
      id: createMessageId(),
      acceptedAt: 1_700_000_000_000,
      ...entry,
    };
    return accept(this.#messages, append);
  }
}

/** What every room store keeps to. `open` gives an empty one, which the suite closes. */
export function roomStoreContract(name: string, open: () => OpenedRoomStore | Promise<OpenedRoomStore>): void {
  const test = contractTests(name, {
    open,
    async prepare({ messages, accounts }) {
      for (const user of ["ana", "ben", "cleo", "dan", "eve"]) await accounts.addUser(userRecord(user));
      return new Setting(messages);
    },
  });

  const [a, b, c] = ["a", "b", "c"].map(roomId);

  test("findRoom() tells how a room is, with everybody that it has to do with", async (setting, { rooms }) => {
    await setting.create(a, { name: "ops", isPublic: false, historyVisible: false });
    assert.deepEqual(await rooms.findRoom(a), {
      id: a,
      name: "ops",
      topic: "",
      isPublic: false,
      historyVisible: false,
      mentionAll: "moderator",
      createdAt: 1_700_000_000_000,
      roles: new Map([["ana", "owner"]]),
      inviters: new Map(),
      firstSeqs: new Map(),
      asOf: 1,
    });
    await setting.event(a, "ana", { kind: "topic_changed" }, "what “ops” means \u{1f680}");
    await setting.event(a, "ana", {
      kind: "room_changed",
      isPublic: true,
      historyVisible: true,
      mentionAll: "owner",
      byOperator: true,
    }, "operations");
    for (const user of ["ben", "cleo", "dan"]) await setting.event(a, user, { kind: "joined" });
    await setting.event(a, "ana", { kind: "role_changed", user: "ben", role: "moderator" });
    await setting.event(a, "cleo", { kind: "left" });
    await setting.event(a, "ben", { kind: "removed", user: "dan", banned: true });
    await setting.event(a, "ben", { kind: "invited", user: "eve" });
    const last = await setting.say(a, "ben", "hello");
    const room = await rooms.findRoom(a);
    const { roles, inviters, firstSeqs } = room!;
    assert.deepEqual({ ...room, roles: [...roles].sort(), inviters: [...inviters], firstSeqs: [...firstSeqs] }, {
      id: a,
      name: "operations",
      topic: "what “ops” means \u{1f680}",
      isPublic: true,
      historyVisible: true,
      mentionAll: "owner",
      createdAt: 1_700_000_000_000,
      roles: [["ana", "owner"], ["ben", "moderator"], ["dan", "banned"], ["eve", "invited"]],
      inviters: [["eve", "ben"]],
      firstSeqs: [],
      asOf: last.position,
    });
  });

  test("findRoom() tells from where on members see, who do not see all", async (setting, { rooms }) => {
    await setting.create(a, { name: "ops", historyVisible: false });
    const joined: number[] = [];
    for (const user of ["ben", "cleo"]) joined.push((await setting.event(a, user, { kind: "joined" })).seq);
    assert.deepEqual((await rooms.findRoom(a))!.firstSeqs, new Map([["ben", joined[0]], ["cleo", joined[1]]]));
    await setting.event(a, "ana", {
      kind: "room_changed",
      isPublic: true,
      historyVisible: true,
      mentionAll: "moderator",
      byOperator: false,
    }, "ops");
    await setting.event(a, "ben", { kind: "left" });
    await setting.event(a, "ben", { kind: "joined" });
    await setting.event(a, "dan", { kind: "joined" });
    await setting.event(a, "cleo", { kind: "left" });
    assert.deepEqual((await rooms.findRoom(a))!.firstSeqs, new Map());
  });

  test("what is not a room is not found", async (_setting, { rooms, messages }) => {
    await accept(messages, directAppend("ana", "ben"));
    assert.equal(await rooms.findRoom("ana:ben"), undefined);
    assert.equal(await rooms.findRoom(a), undefined);
    assert.equal(await rooms.findPublicRoom("ops"), undefined);
    assert.deepEqual(await rooms.listPublicRooms(allRooms), []);
    assert.deepEqual(await rooms.listRooms({ after: "", limit: 10 }), []);
  });

  test("a public name leads to its room, which the name of a private one does not", async (setting, { rooms }) => {
    await setting.create(a, { name: "ops", isPublic: false });
    assert.equal(await rooms.findPublicRoom("ops"), undefined);
    await setting.create(b, { name: "ops" });
    assert.equal(await rooms.findPublicRoom("ops"), b);
    await setting.event(b, "ana", {
      kind: "room_changed",
      isPublic: true,
      historyVisible: true,
      mentionAll: "moderator",
      byOperator: false,
    }, "web");
    assert.equal(await rooms.findPublicRoom("ops"), undefined);
    assert.equal(await rooms.findPublicRoom("web"), b);
  });

  test("a name and the beginning of an id lead to all such rooms, public and private", async (setting, { rooms }) => {
    await setting.create(a, { name: "ops", isPublic: false });
    await setting.create(b, { name: "ops" });
    await setting.create(c, { name: "web", isPublic: false });
    assert.deepEqual(await rooms.findRoomsStarting({ name: "ops", idStart: a.slice(0, 4) }), [a]);
    assert.deepEqual(await rooms.findRoomsStarting({ name: "ops", idStart: b }), [b]);
    assert.deepEqual((await rooms.findRoomsStarting({ name: "ops", idStart: "+" })).sort(), [a, b].sort());
    assert.deepEqual(await rooms.findRoomsStarting({ name: "ops", idStart: c.slice(0, 4) }), []);
  });

  test("a name and the beginning of an id lead a user to rooms that they may see", async (setting, stores) => {
    const { rooms, settings, messages } = stores;
    const short = { name: "ops", idStart: "+aaa" };
    const [own, left, offered, hidden, open, other] = ["b", "c", "d", "e", "f", "g"].map((letter) => {
      return `+aaa${letter.repeat(23)}`;
    });
    for (const id of [own, left]) await setting.create(id, { name: "ops", isPublic: false });
    for (const id of [offered, hidden]) await setting.create(id, { name: "ops", by: "ben", isPublic: false });
    await setting.create(open, { name: "ops", by: "ben" });
    await setting.create(other, { name: "web", by: "ana" });
    await setting.event(left, "ana", { kind: "left" });
    await setting.event(offered, "ben", { kind: "invited", user: "ana" });
    assert.deepEqual((await rooms.findRoomsStartingFor("ana", short)).sort(), [own, offered, open]);
    assert.deepEqual(await rooms.findRoomsStartingFor("cleo", short), [open]);
    assert.deepEqual(await rooms.findRoomsStartingFor("cleo", { name: "ops", idStart: "+aab" }), []);
    assert.deepEqual(await rooms.findRoomsStartingFor("cleo", { name: "none", idStart: "+aaa" }), []);
    await setting.event(open, "ana", { kind: "joined" });
    await settings.block("ana", "ben", messages.head);
    assert.deepEqual((await rooms.findRoomsStartingFor("ana", short)).sort(), [own, open]);
    assert.deepEqual((await rooms.findRoomsStarting(short)).sort(), [own, left, offered, hidden, open]);
  });

  test("public rooms are listed by name, page by page, and found by name and topic", async (setting, { rooms }) => {
    await setting.create(a, { name: "web" });
    await setting.create(b, { name: "ops" });
    await setting.create(c, { name: "all" });
    await setting.create(roomId("d"), { name: "secret-ops", isPublic: false });
    await setting.event(a, "ana", { kind: "topic_changed" }, "100% of the Ops_we do");
    await setting.event(b, "ben", { kind: "joined" });
    const names = async (page: Partial<typeof allRooms>) =>
      (await rooms.listPublicRooms({ ...allRooms, ...page })).map((room) => room.name);
    assert.deepEqual(await names({}), ["all", "ops", "web"]);
    assert.deepEqual(await names({ limit: 2 }), ["all", "ops"]);
    assert.deepEqual(await names({ after: "ops" }), ["web"]);
    assert.deepEqual(await names({ query: "OPS" }), ["ops", "web"]);
    assert.deepEqual(await names({ query: "0%" }), ["web"]);
    assert.deepEqual(await names({ query: "s_w" }), ["web"]);
    assert.deepEqual(await names({ query: "%" }), ["web"]);
    assert.deepEqual(await names({ query: "secret" }), []);
    const [{ createdAt, ...ops }] = await rooms.listPublicRooms({ ...allRooms, query: "ops" });
    assert.equal(createdAt, 1_700_000_000_000);
    const settings = { isPublic: true, historyVisible: true, mentionAll: "moderator" };
    assert.deepEqual(ops, { id: b, name: "ops", topic: "", ...settings, memberCount: 2 });
  });

  test("all rooms are listed by id, page by page", async (setting, { rooms, messages }) => {
    await accept(messages, directAppend("ana", "ben"));
    await setting.create(b, { name: "ops" });
    await setting.create(a, { name: "secret", isPublic: false });
    await setting.create(c, { name: "web" });
    const ids = async (after: string, limit: number) => (await rooms.listRooms({ after, limit })).map(({ id }) => id);
    assert.deepEqual(await ids("", 10), [a, b, c]);
    assert.deepEqual(await ids("", 2), [a, b]);
    assert.deepEqual(await ids(b, 10), [c]);
  });

  test(
    "countRooms() counts rooms that a user is in, and those made that they are in, or that are empty and young",
    async (setting, { rooms, messages }) => {
      const count = (emptyAfter = 0) => rooms.countRooms("ben", { emptyAfter });
      await accept(messages, directAppend("ana", "ben"));
      assert.deepEqual(await count(), { created: 0, joined: 0 });
      await setting.create(a, { name: "ops", by: "ben" });
      await setting.create(b, { name: "web" });
      await setting.create(c, { name: "all" });
      await setting.event(b, "ben", { kind: "joined" });
      await setting.event(c, "ana", { kind: "invited", user: "ben" });
      // An invitation is no membership.
      assert.deepEqual(await count(), { created: 1, joined: 2 });
      await setting.event(b, "ana", { kind: "removed", user: "ben", banned: true });
      await setting.event(a, "cleo", { kind: "joined" });
      await setting.event(a, "ben", { kind: "left" });
      assert.deepEqual(await count(), { created: 0, joined: 0 });
      await setting.event(a, "cleo", { kind: "left" });
      assert.deepEqual(await count(1_699_999_999_999), { created: 1, joined: 0 });
      assert.deepEqual(await count(1_700_000_000_000), { created: 0, joined: 0 });
    },
  );

  test(
    "dropInvitations() drops what is older than so many of people who are not blocked",
    async (setting, { rooms, messages, settings }) => {
      const made = ["b", "c", "d", "e"].map(roomId);
      await setting.create(a, { name: "ops", isPublic: false });
      await setting.event(a, "ana", { kind: "invited", user: "eve" });
      await setting.event(a, "eve", { kind: "joined" });
      await setting.event(a, "eve", { kind: "left" });
      await setting.event(a, "ana", { kind: "invited", user: "eve" });
      for (const [index, id] of made.entries()) {
        await setting.create(id, { name: `room-${index}`, by: "ben", isPublic: false });
        await setting.event(id, "ben", { kind: "invited", user: "eve" });
      }
      assert.equal(await rooms.countInvitations("eve", "ben"), 4);
      await settings.block("eve", "ben", messages.head);
      assert.deepEqual(await rooms.dropInvitations("eve", { keep: 1 }), []);
      await settings.unblock("eve", "ben", messages.head);
      const dropped = await rooms.dropInvitations("eve", { keep: 3 });
      assert.deepEqual(dropped.toSorted((one, other) => one.inviter < other.inviter ? -1 : 1), [
        { room: a, inviter: "ana" },
        { room: made[0], inviter: "ben" },
      ]);
      assert.equal(await rooms.countInvitations("eve", "ben"), 3);
      assert.deepEqual([...(await rooms.findRoom(a))!.roles.keys()], ["ana"]);
      assert.equal((await messages.conversationOf("eve", a))?.role, "left");
      assert.equal(await messages.conversationOf("eve", made[0]), undefined);
    },
  );

  test(
    "readersOf() names members who say what they read, from a seq that they may see",
    async (setting, { rooms, settings }) => {
      await setting.create(a, { name: "ops", historyVisible: false });
      for (const user of ["dan", "ben", "cleo"]) await setting.event(a, user, { kind: "joined" });
      const { seq } = await setting.say(a, "ana", "hello");
      await setting.event(a, "eve", { kind: "joined" });
      const { seq: newest } = await setting.say(a, "ana", "again");
      const readers = (from: number, limit = 10) =>
        rooms.readersOf(a, { asker: "ana", seq: from, except: "ana", limit });
      assert.deepEqual(await readers(newest), { users: [], count: 0 });
      for (const user of ["ana", "ben", "dan", "eve"]) await setting.read(a, user, newest);
      await setting.read(a, "cleo", seq);
      // Eve came after it, and sees nothing of it.
      assert.deepEqual(await readers(seq), { users: ["ben", "cleo", "dan"], count: 3 });
      assert.deepEqual(await readers(newest), { users: ["ben", "dan", "eve"], count: 3 });
      assert.deepEqual(await readers(newest, 2), { users: ["ben", "dan"], count: 3 });
      await settings.saveSettings("ben", { ...defaultSettings, readReceipts: false });
      await setting.event(a, "dan", { kind: "left" });
      assert.deepEqual(await readers(newest), { users: ["eve"], count: 1 });
    },
  );

  test("readersOf() knows conversations of two", async (setting, { rooms, messages }) => {
    await accept(messages, directAppend("ana", "ben"));
    const readers = () => rooms.readersOf("ana:ben", { asker: "ana", seq: 1, except: "ana", limit: 10 });
    assert.deepEqual(await readers(), { users: [], count: 0 });
    await setting.read("ana:ben", "ben", 1);
    assert.deepEqual(await readers(), { users: ["ben"], count: 1 });
  });

  test("readPositions() counts who is where, without those who don't say", async (setting, { rooms, settings }) => {
    await setting.create(a, { name: "ops" });
    for (const user of ["ben", "cleo", "dan", "eve"]) await setting.event(a, user, { kind: "joined" });
    const last = (await setting.say(a, "ana", "hello")).seq;
    const positions = async (limit = 10) => await rooms.readPositions(a, limit);
    for (
      const [user, seq] of [["ana", last], ["ben", last], ["cleo", last - 1], ["dan", last], ["eve", last]] as const
    ) {
      await setting.read(a, user, seq);
    }
    await settings.saveSettings("dan", { ...defaultSettings, readReceipts: false });
    await setting.event(a, "eve", { kind: "left" });
    assert.deepEqual((await positions()).slice(0, 2), [{ seq: last, readers: 2 }, { seq: last - 1, readers: 1 }]);
    assert.deepEqual(await positions(1), [{ seq: last, readers: 2 }]);
  });

  test("deleteRoom() erases everything of a room, and nothing else", async (setting, { rooms, messages }) => {
    const direct = await accept(messages, directAppend("ana", "ben"));
    await setting.create(b, { name: "web" });
    await setting.create(a, { name: "ops" });
    await setting.event(a, "ben", { kind: "joined" });
    await messages.commit(
      Array.from({ length: 2_500 }, (_, index): Append => ({
        kind: "append",
        conversation: a,
        members: [],
        id: createMessageId(),
        sender: "ana",
        acceptedAt: 1,
        text: `@ben ${index}`,
        mentions: ["ben"],
      })),
    );
    const kept = await setting.say(b, "ana", "kept");
    const { head } = messages;
    await rooms.deleteRoom(a);
    assert.equal(await rooms.findRoom(a), undefined);
    assert.equal(await rooms.findPublicRoom("ops"), undefined);
    assert.equal(await messages.history("ben", a, wholeLog), undefined);
    assert.deepEqual((await messages.messagesAfter("ben", 0, unlimited)).messages.map(({ position }) => position), [
      direct.position,
    ]);
    const { messages: left } = await messages.messagesAfter("ana", 0, { limit: 10_000, maxBytes: 1_000_000 });
    assert.deepEqual(left.map(({ conversation }) => conversation), ["ana:ben", b, b]);
    assert.equal(left.at(-1)!.position, kept.position);
    assert.deepEqual(await rooms.countRooms("ben", { emptyAfter: 0 }), { created: 0, joined: 0 });
    assert.equal(messages.head, head);
    const erased: number[] = [];
    do erased.push(await rooms.eraseDeleted(1_000)); while (erased.at(-1)! > 0);
    assert.ok(erased.length > 3 && erased.every((count) => count <= 1_000), String(erased));
    assert.equal((await messages.sentBy("ana", { beforeId: "", limit: 10, maxBytes: 1_000_000 })).messages.length, 2);
    await rooms.deleteRoom(a);
    await rooms.deleteRoom(c);
    assert.equal(await rooms.eraseDeleted(1_000), 0);
    await setting.create(c, { name: "ops" });
    assert.equal(await rooms.findPublicRoom("ops"), c);
  });

  test(
    "deleteRoom() forgets at once that a room with a reaction and a pin was created",
    async (setting, { rooms, messages }) => {
      const created = entryAppend(a, "ana", {
        text: "ops",
        event: { kind: "room_created", isPublic: true, historyVisible: true },
      });
      await accept(messages, created);
      const { seq } = await setting.say(a, "ana", "hello");
      const event = { kind: "reacted", target: seq, emoji: "👍", removed: false } as const;
      const pinned = { kind: "pinned", target: seq, removed: false } as const;
      await messages.commit([event, pinned].map((event) => entryAppend(a, "ana", { event })));
      await rooms.deleteRoom(a);
      const page = { beforePosition: 0, limit: 10, maxBytes: 1_000 };
      assert.deepEqual(await messages.pinsIn("ana", a, page), { pins: [], more: false });
      const [again] = await messages.commit([{ ...created, conversation: b }]);
      assert.equal(again.kind, "accepted");
      assert.equal(await rooms.eraseDeleted(1), 1);
      assert.equal(await rooms.eraseDeleted(1), 0);
    },
  );
}
