import assert from "node:assert/strict";
import fc from "fast-check";
import { ChatError } from "../../../src/core/chat_error.ts";
import type { LogEvent } from "../../../src/core/messages/log_event.ts";
import type { Message } from "../../../src/core/messages/message.ts";
import type { Append, Change, ChangeResult } from "../../../src/core/messages/message_store.ts";
import { mayDo, type RoomAction, type Standing } from "../../../src/core/rooms/permissions.ts";
import { openPostgresChatStore } from "../../support/databases/postgres_chat_store.ts";
import { propertyRuns, storesAnswerLate } from "../../support/fakes/late_store.ts";
import { acceptedMessage, entryAppend } from "../../support/servers/stored_messages.ts";
import { FakeSubscriber, TestChat } from "../../support/servers/test_chat.ts";
import { TestRooms } from "../../support/servers/test_rooms.ts";
import { TestMessageStore } from "../../support/servers/test_message_store.ts";
import { type OpenChatStore, TestStore } from "../../support/servers/test_store.ts";
import { turns } from "../../support/waiting/turns.ts";

const users = ["ana", "ben", "cleo", "dora"] as const;
/** In every room from the beginning, and left alone: sees the whole log. */
const watcher = "wanda";
/** Never let into the private room. */
const stranger = "mallory";
/** Banned everywhere. When one deletes their account, what is known of the rooms is forgotten. */
const gone = ["x1", "x2", "x3", "x4"];
const nowhere = `+${"a".repeat(26)}`;

const actions = [
  "send",
  "send",
  "send",
  "join",
  "join",
  "leave",
  "invite",
  "remove",
  "ban",
  "unban",
  "set_role",
  "update",
  "topic",
  "edit",
  "delete",
  "react",
  "pin",
  "unpin",
  "block",
  "unblock",
  "forget",
] as const;

const step = fc.record({
  action: fc.constantFrom(...actions),
  user: fc.constantFrom(...users, stranger),
  other: fc.constantFrom(...users),
  isPrivate: fc.boolean(),
  flag: fc.boolean(),
  number: fc.nat({ max: 30 }),
  /** 0 for the same turn as the one before. */
  after: fc.nat({ max: 2 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Turns until an answer; a full disk; another process that wrote before, or, "elsewhere", changed a room. */
type Behaviour = number | "full" | "behind" | "elsewhere";

/** Tells late of what it has written, and sometimes writes nothing. */
class UnreliableStore extends TestMessageStore {
  behaviour: readonly Behaviour[] = [0];
  /** Makes another process change a room. */
  changeElsewhere: (commit: (append: Append) => Promise<Message>) => Promise<void> = () => Promise.resolve();
  #calls = 0;

  override async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    const how = this.behaviour[this.#calls++ % this.behaviour.length];
    if (how === "full") {
      await turns();
      throw new ChatError("storage_full", "The disk is full.");
    }
    if (how === "behind" || how === "elsewhere") {
      if (how === "elsewhere") {
        await this.changeElsewhere(async (append) => acceptedMessage((await super.commit([append]))[0]));
      }
      await turns();
      // SQLite has one writer, so the type of its answer has no such word.
      return "behind" as unknown as ChangeResult[];
    }
    const results = await super.commit(changes);
    await turns(how);
    return results;
  }
}

/** What the log alone says of a room: whoever breaks its rules is told by an assertion. */
class Referee {
  readonly #roles = new Map<string, Standing>();
  readonly #log: readonly Message[];
  #isPublic = false;

  constructor(log: readonly Message[]) {
    this.#log = log;
  }

  /** Checks entries from this seq on. @returns who was there, by the position of each: before or after it. */
  check(from: number): [position: number, there: Set<string>][] {
    const presence: [number, Set<string>][] = [];
    for (const entry of this.#log) {
      const { sender, event, seq } = entry;
      const place = `${seq}: ${sender} ${JSON.stringify(event ?? "message")}`;
      if (seq >= from) assert.ok(this.#mayHappen(entry), `not at this place of the log: ${place}`);
      const there = this.#members();
      if (event !== undefined) this.#apply(sender, event);
      presence.push([entry.position, new Set([...there, ...this.#members()])]);
      const roles = [...this.#roles.values()];
      const hasMembers = roles.some((role) => role === "member" || role === "moderator");
      assert.ok(!hasMembers || roles.includes("owner"), `nobody owns the room after ${place}`);
    }
    return presence;
  }

  #mayHappen({ sender, event }: Message): boolean {
    const may = (action: RoomAction) =>
      mayDo(this.#standing(sender), action, { isPublic: this.#isPublic, mentionAll: "moderator" });
    switch (event?.kind) {
      case undefined:
        return may("send");
      case "joined":
        // A removal that was not stored may have been between.
        return may("join") || this.#isMember(sender);
      case "left":
        return may("leave");
      case "invited":
        return may("invite");
      case "removed": {
        const role = this.#standing(event.user);
        const isStaff = role === "owner" || role === "moderator";
        return sender !== event.user && may(isStaff ? `remove_${role}` : "remove_member");
      }
      case "unbanned":
        return may("unban");
      case "role_changed":
        return may("set_role") && this.#isMember(event.user);
      case "topic_changed":
        return may("set_topic");
      case "room_changed":
        return may("update");
      case "reacted":
        return may("react");
      case "pinned":
        return may("pin");
      case "edited":
        return may("delete_own") && this.#log[event.target - 1].sender === sender;
      case "deleted":
        return may(this.#log[event.target - 1].sender === sender ? "delete_own" : "delete_any");
      case "room_created":
        return true;
    }
  }

  #apply(sender: string, event: LogEvent): void {
    switch (event.kind) {
      case "room_created":
        this.#isPublic = event.isPublic;
        return void this.#roles.set(sender, "owner");
      case "joined": {
        if (!this.#isMember(sender)) this.#roles.set(sender, this.#members().length === 0 ? "owner" : "member");
        return;
      }
      case "left":
        return void this.#roles.delete(sender);
      case "invited":
        if (this.#standing(event.user) === "stranger") this.#roles.set(event.user, "invited");
        return;
      case "removed":
        if (event.banned) this.#roles.set(event.user, "banned");
        else if (this.#standing(event.user) !== "banned") this.#roles.delete(event.user);
        return;
      case "unbanned":
        if (this.#standing(event.user) === "banned") this.#roles.delete(event.user);
        return;
      case "role_changed":
        return void this.#roles.set(event.user, event.role);
      case "room_changed":
        this.#isPublic = event.isPublic;
    }
  }

  #standing(user: string): Standing {
    return this.#roles.get(user) ?? "stranger";
  }

  #members(): string[] {
    return [...this.#roles.keys()].filter((user) => this.#isMember(user));
  }

  #isMember(user: string): boolean {
    return ["member", "moderator", "owner"].includes(this.#standing(user));
  }
}

async function take(rooms: TestRooms, room: string, { action, user, other, number, flag }: Step): Promise<unknown> {
  const { chat } = rooms.test;
  const { posting, settings } = chat;
  const message = { to: room, seq: 12 + number, id: rooms.id() };
  switch (action) {
    case "send":
      return await rooms.test.send(user, room, `${number} @${other}`);
    case "join":
    case "leave":
      return await rooms[action](user, room);
    case "invite":
    case "unban":
      return await rooms[action](user, room, other);
    case "remove":
    case "ban":
      return await rooms.remove(user, room, other, { ban: action === "ban" });
    case "set_role":
      return await rooms.setRole(user, room, other, (["member", "moderator", "owner"] as const)[number % 3]);
    case "update":
      return await rooms.update(user, room, number % 2 === 0 ? { historyVisible: flag } : { name: `room-${number}` });
    case "topic":
      return await chat.rooms.setTopic({ user }, { id: rooms.id(), room, topic: `topic ${number}` });
    case "edit":
      return await posting.submit(await posting.checkEdit(user, { ...message, text: "edited" }));
    case "delete":
      return await posting.submit(await posting.checkDelete(user, message));
    case "react":
      return await posting.submit(await posting.checkReaction(user, { ...message, emoji: "👍", remove: flag }));
    case "pin":
    case "unpin":
      return await posting.submit(await posting.checkPin(user, { ...message, remove: action === "unpin" }));
    case "block":
    case "unblock":
      if (user !== stranger && user !== other) await settings[action](user, other);
      return;
    case "forget":
      return await chat.deletion.delete(gone[number % gone.length]);
  }
}

/** What another process may do to `user` in a room as it is: its owner takes them out, or makes them a moderator. */
async function changeOf({ test }: TestRooms, room: string, user: string): Promise<Append | undefined> {
  const { roles } = (await test.store.rooms.findRoom(room))!;
  const owner = [...roles].find(([other, role]) => role === "owner" && other !== user)?.[0];
  const role = roles.get(user);
  if (owner === undefined || role === undefined || role === "banned" || role === "invited") return undefined;
  const event = role === "member"
    ? { kind: "role_changed", user, role: "moderator" } as const
    : { kind: "removed", user, banned: role === "moderator" } as const;
  return entryAppend(room, owner, { event });
}

/** A room with everybody in it but dora, and the stranger; all log entries up to `start` are of the making. */
async function furnish(rooms: TestRooms, isPublic: boolean): Promise<string> {
  const room = await rooms.create("ana", isPublic ? "ops" : "plans", { isPublic, historyVisible: isPublic });
  for (const user of [watcher, "ben", "cleo"]) {
    await rooms.invite("ana", room, user);
    await rooms.join(user, room);
  }
  await rooms.setRole("ana", room, "ben", "moderator");
  for (const user of gone) await rooms.remove("ana", room, user, { ban: true });
  for (const user of ["ana", "ben", "cleo"]) await rooms.test.send(user, room, "hello");
  return room;
}

function property(
  name: string,
  openStore: OpenChatStore,
  { numRuns, maxSteps }: { numRuns: number; maxSteps: number },
): void {
  Deno.test(`${name}: whatever crosses in a room, its log keeps to the rules, and everybody is offered what they may see of it`, async () => {
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: maxSteps }),
      fc.array(fc.constantFrom<Behaviour>(0, 0, 1, 2, "full", "behind", "elsewhere"), { maxLength: 6 }),
      async (steps, behaviour) => {
        const store = await openStore((log) => new UnreliableStore(log));
        const test = await TestChat.open({ store, users: [...users, watcher, stranger, ...gone] });
        await using rooms = new TestRooms(test);
        const [open, hidden] = [await furnish(rooms, true), await furnish(rooms, false)];
        const logLength = 1 + 2 * 3 + 1 + gone.length + 3;
        const subscribers: FakeSubscriber[] = [];
        for (const user of [...users, watcher, stranger]) {
          await test.chat.settings.load(user);
          const subscriber = new FakeSubscriber({ user });
          test.chat.subscribe(subscriber);
          subscribers.push(subscriber);
        }
        const start = test.chat.head;
        store.messages.behaviour = [0, ...behaviour];
        let changes = 0;
        store.messages.changeElsewhere = async (commit) => {
          const room = changes++ % 2 === 0 ? open : hidden;
          const append = await changeOf(rooms, room, users[changes % users.length]);
          if (append === undefined) return;
          test.chat.applier.apply([{ message: await commit(append), origin: undefined }]);
        };

        let turn = 0;
        await Promise.all(steps.map(async (step) => {
          turn += step.after;
          await turns(turn);
          const attempt = take(rooms, step.isPrivate ? hidden : open, step);
          const [result] = await Promise.allSettled([attempt]);
          if (result.status === "fulfilled") {
            const isAllowed = step.user !== stranger || !step.isPrivate ||
              ["block", "unblock", "forget"].includes(step.action);
            assert.ok(isAllowed, `${step.action} by a stranger was not refused`);
            return;
          }
          if (!(result.reason instanceof ChatError)) throw result.reason;
          if (step.user !== stranger || !step.isPrivate || step.action === "forget") return;
          const [none] = await Promise.allSettled([take(rooms, nowhere, step)]);
          assert.ok(none.status === "rejected", "something was done to no room");
          assert.deepEqual(
            [result.reason.code, result.reason.message.replaceAll(hidden, nowhere)],
            result.reason.code === "storage_full" ? ["storage_full", "The disk is full."] : [
              none.reason.code === "storage_full" ? "not_found" : none.reason.code,
              none.reason.code === "storage_full"
                ? result.reason.message.replaceAll(hidden, nowhere)
                : none.reason.message,
            ],
          );
        }));

        store.messages.behaviour = [0];
        await test.send(watcher, open, "the end");
        const all = { limit: 1_000, maxBytes: 1_000_000 };
        const presence = new Map<number, Set<string>>();
        for (const room of [open, hidden]) {
          await rooms.assertAsStored(room);
          const log = await store.messages.history("ana", room, {
            beforeSeq: 0,
            afterSeq: 0,
            fromMs: 0,
            events: true,
            ...all,
          });
          const seen = (await store.messages.messagesAfter(watcher, 0, all)).messages;
          const entries = new Map([...log!.messages, ...seen.filter(({ conversation }) => conversation === room)]
            .map((entry) => [entry.seq, entry]));
          const whole = [...entries.values()].sort((one, other) => one.seq - other.seq);
          assert.deepEqual(whole.map(({ seq }) => seq), whole.map((_, index) => index + 1));
          for (const [position, there] of new Referee(whole).check(logLength + 1)) presence.set(position, there);
        }
        for (const { identity: { user }, offered, lookedUp } of subscribers) {
          const { messages } = await store.messages.messagesAfter(user, start, all);
          const shown = messages.map(({ position }) => position);
          const positions = offered.map(({ message }) => message.position);
          const told = new Set([...positions, ...lookedUp]);
          assert.deepEqual(
            positions.filter((position) => !shown.includes(position)),
            [],
            `not for ${user}, but offered`,
          );
          // Where a room shows its history, who comes may see what was before; they are not sent it.
          const due = shown.filter((position) => presence.get(position)!.has(user));
          assert.deepEqual(due.filter((position) => !told.has(position)), [], `for ${user}, and not offered`);
          assert.deepEqual(positions, [...positions].sort((one, other) => one - other), `out of order for ${user}`);
        }
      },
    );
    await fc.assert(property, { numRuns: propertyRuns(numRuns) });
  });
}

property("sqlite", TestStore.openWith, { numRuns: 60, maxSteps: 60 });
if (!storesAnswerLate()) property("postgres", openPostgresChatStore, { numRuns: 15, maxSteps: 40 });
