import assert from "node:assert/strict";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import type { Room } from "../../../src/core/rooms/room.ts";
import { TestChat, type TestChatOptions } from "./test_chat.ts";
import { historyRequest } from "./wire_values.ts";

/** Rooms as a test speaks of them: who does what in which room. */
export class TestRooms implements AsyncDisposable {
  readonly test: TestChat;

  constructor(test: TestChat) {
    this.test = test;
  }

  static async open(options: TestChatOptions = {}): Promise<TestRooms> {
    return new TestRooms(await TestChat.open(options));
  }

  id(): string {
    return createMessageId(this.test.clock.now());
  }

  async create(user: string, name: string, { isPublic = true, historyVisible = false } = {}): Promise<string> {
    const request = { id: this.id(), name, isPublic, historyVisible };
    return (await this.test.chat.rooms.create({ user }, request)).room.id;
  }

  join(user: string, room: string) {
    return this.test.chat.rooms.join({ user }, { id: this.id(), room });
  }

  leave(user: string, room: string) {
    return this.test.chat.rooms.leave({ user }, { id: this.id(), room });
  }

  invite(user: string, room: string, whom: string) {
    return this.test.chat.rooms.invite({ user }, { id: this.id(), room, user: whom });
  }

  remove(user: string, room: string, whom: string, { ban = false } = {}) {
    return this.test.chat.rooms.remove({ user }, { id: this.id(), room, user: whom, ban });
  }

  unban(user: string, room: string, whom: string) {
    return this.test.chat.rooms.unban({ user }, { id: this.id(), room, user: whom });
  }

  setRole(user: string, room: string, whom: string, role: "owner" | "moderator" | "member") {
    return this.test.chat.rooms.setRole({ user }, { id: this.id(), room, user: whom, role });
  }

  update(
    user: string,
    room: string,
    change: { name?: string } & Partial<Pick<Room, "isPublic" | "historyVisible" | "mentionAll">>,
  ) {
    return this.test.chat.rooms.update({ user }, { id: this.id(), room, ...change });
  }

  /** Senders and what they did, in the order of the log, as `user` sees it. */
  async log(user: string, room: string): Promise<string[]> {
    const page = await this.test.chat.history(user, historyRequest({ with: room, limit: 200, events: true }));
    return page.messages.map(({ sender, event, text }) => {
      const whom = event !== undefined && "user" in event ? [event.user] : [];
      return [sender, event?.kind ?? text, ...whom].join(" ");
    });
  }

  async texts(user: string, room: string): Promise<string[]> {
    const page = await this.test.chat.history(user, historyRequest({ with: room, limit: 100 }));
    return page.messages.map(({ text }) => text);
  }

  async roles(user: string, room: string): Promise<string[]> {
    const members = await this.test.chat.rooms.members(user, room, { after: "", limit: 100 });
    return members.map(({ user, role }) => `${user} ${role}`);
  }

  /** Whether the room is in memory what it is on disk. */
  async assertAsStored(room: string): Promise<void> {
    const stored = await this.test.store.rooms.findRoom(room);
    const { people } = await this.test.chat.roomKeeper.show(room);
    const roles = [...stored!.roles].map(([user, role]) => ({ user, role }));
    assert.deepEqual(people, roles.sort((one, other) => one.user < other.user ? -1 : 1));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.test.close();
  }
}
