import assert from "node:assert/strict";
import type { AccountStore } from "../../src/core/accounts/account_store.ts";
import type { LogEvent, RoomEvent } from "../../src/core/messages/log_event.ts";
import type { Message } from "../../src/core/messages/message.ts";
import type { Append, ExclusiveMessageStore } from "../../src/core/messages/message_store.ts";
import type { SettingsStore } from "../../src/core/people/settings_store.ts";
import {
  accept,
  acceptedMessage,
  directAppend,
  entryAppend,
  userRecord,
  wholeLog,
} from "../support/servers/stored_messages.ts";
import { contractTests } from "./contract_tests.ts";

export interface OpenedStores {
  readonly messages: ExclusiveMessageStore;
  readonly accounts: AccountStore;
  readonly settings: SettingsStore;
  close(): void | Promise<void>;
}

const unlimited = { limit: 1_000, maxBytes: 1_000_000 };
const everything = { ...wholeLog, ...unlimited, events: true };
const firstPage = { beforePosition: 0, ...unlimited };
const [ops, web] = ["o", "w"].map((letter) => "+" + letter.repeat(26));

/** An entry in short: what happened, by whom, to whom. */
function brief({ sender, event, text }: Message): string {
  const subject = event && "user" in event ? ` ${event.user}` : "";
  return event ? `${sender} ${event.kind}${subject}` : `${sender}: ${text}`;
}

/** People who do things in rooms, and see them. */
class House {
  readonly messages: ExclusiveMessageStore;

  constructor(messages: ExclusiveMessageStore) {
    this.messages = messages;
  }

  create(room: string, rest: { name?: string; isPublic?: boolean; historyVisible?: boolean } = {}): Promise<Message> {
    const { name = "ops", isPublic = true, historyVisible = false } = rest;
    return this.event(room, "ana", { kind: "room_created", isPublic, historyVisible }, name);
  }

  event(room: string, sender: string, event: LogEvent, text = ""): Promise<Message> {
    return accept(this.messages, entryAppend(room, sender, { event, text }));
  }

  say(room: string, sender: string, text: string, rest: Partial<Append> = {}): Promise<Message> {
    return accept(this.messages, entryAppend(room, sender, { text, ...rest }));
  }

  /** What somebody sees of everything, by the three ways of reading, which agree. */
  async seenBy(user: string, room: string): Promise<string[]> {
    const { messages: delivered } = await this.messages.messagesAfter(user, 0, unlimited);
    const inRoom = delivered.filter(({ conversation }) => conversation === room);
    const page = await this.messages.history(user, room, everything);
    assert.deepEqual(page?.messages ?? [], inRoom);
    for (let seq = 1; seq < 100; seq++) {
      assert.deepEqual(await this.messages.entry(user, room, seq), inRoom.find((message) => message.seq === seq));
    }
    return inRoom.map(brief);
  }

  async listOf(user: string): Promise<string[]> {
    const { conversations, more } = await this.messages.conversationsOf(user, firstPage);
    assert.equal(more, false);
    for (const summary of conversations) {
      assert.deepEqual(await this.messages.conversationOf(user, summary.conversation), summary);
    }
    return conversations.map(({ conversation, role, last }) => `${conversation[1]} ${role} ${last?.text ?? "-"}`);
  }
}

/** What every message store keeps to in rooms. `open` gives an empty one, which the suite closes. */
export function messageStoreRooms(name: string, open: () => OpenedStores | Promise<OpenedStores>): void {
  const test = contractTests(name, {
    open,
    async prepare({ messages, accounts }) {
      for (const user of ["ana", "ben", "cleo", "dan"]) await accounts.addUser(userRecord(user));
      return new House(messages);
    },
  });

  test("a room is made by its first entry, which its maker owns and reads", async (house) => {
    const made = await house.create(ops, { historyVisible: true });
    assert.deepEqual([made.seq, made.ordinal, made.event?.kind, made.text], [1, 0, "room_created", "ops"]);
    assert.deepEqual(await house.messages.entry("ana", ops, 1), made);
    const summary = await house.messages.conversationOf("ana", ops);
    const settings = { isPublic: true, historyVisible: true, mentionAll: "moderator" };
    const room = { id: ops, name: "ops", topic: "", ...settings, memberCount: 1 };
    assert.deepEqual(summary, {
      conversation: ops,
      headSeq: 1,
      position: made.position,
      last: undefined,
      room: { ...room, createdAt: made.acceptedAt },
      role: "owner",
      invitedBy: undefined,
      unread: 0,
      mentions: 0,
      readSeq: 1,
      peerReadSeq: 0,
      peerDeliveredSeq: 0,
    });
    assert.equal(await house.messages.conversationOf("ben", ops), undefined);
    assert.deepEqual(await house.seenBy("ben", ops), []);
  });

  test("a public name is taken once, a private one as often as one likes", async (house) => {
    await house.create(ops);
    const create = (isPublic: boolean) =>
      entryAppend(web, "ana", { event: { kind: "room_created", isPublic, historyVisible: true }, text: "ops" });
    const [taken, made] = await house.messages.commit([create(true), create(false)]);
    assert.deepEqual([taken.kind, made.kind], ["name_taken", "accepted"]);
    const change = (text: string) =>
      entryAppend(web, "ana", {
        event: { kind: "room_changed", isPublic: true, historyVisible: true, mentionAll: "owner", byOperator: false },
        text,
      });
    const results = await house.messages.commit([change("ops"), change("web"), change("web")]);
    assert.deepEqual(results.map(({ kind }) => kind), ["name_taken", "accepted", "accepted"]);
    assert.equal((await house.messages.conversationOf("ana", web))?.headSeq, 3);
  });

  test("whoever leaves or is removed sees how, and nothing after it", async (house) => {
    await house.create(ops);
    for (const user of ["ben", "cleo"]) await house.event(ops, user, { kind: "joined" });
    await house.say(ops, "ana", "1");
    await house.event(ops, "ben", { kind: "left" });
    await house.say(ops, "ana", "2");
    await house.event(ops, "ana", { kind: "removed", user: "cleo", banned: true });
    await house.say(ops, "ana", "3");
    const first = ["ana: 1", "ben left"];
    assert.deepEqual(await house.seenBy("ben", ops), ["ben joined", "cleo joined", ...first]);
    assert.deepEqual(await house.seenBy("cleo", ops), ["cleo joined", ...first, "ana: 2", "ana removed cleo"]);
    assert.deepEqual(await house.listOf("ben"), ["o left 1"]);
    assert.deepEqual(await house.listOf("cleo"), ["o banned 2"]);
    assert.equal((await house.messages.conversationOf("ana", ops))?.room?.memberCount, 1);
  });

  test("who comes back reads both stays, and what was between only where the room shows history", async (house) => {
    for (const [room, historyVisible] of [[ops, false], [web, true]] as const) {
      await house.create(room, { isPublic: false, historyVisible });
      await house.event(room, "ben", { kind: "joined" });
      await house.say(room, "ana", "1");
      await house.event(room, "ben", { kind: "left" });
      await house.say(room, "ana", "2");
      await house.event(room, "ben", { kind: "joined" });
      await house.say(room, "ana", "3");
      await house.event(room, "cleo", { kind: "joined" });
    }
    const twice = ["ben joined", "ana: 1", "ben left", "ben joined", "ana: 3", "cleo joined"];
    assert.deepEqual(await house.seenBy("ben", ops), twice);
    assert.deepEqual(await house.seenBy("cleo", ops), ["cleo joined"]);
    const all = ["ana room_created", "ben joined", "ana: 1", "ben left", "ana: 2", "ben joined", "ana: 3"];
    assert.deepEqual(await house.seenBy("ben", web), [...all, "cleo joined"]);
    assert.deepEqual(await house.seenBy("cleo", web), [...all, "cleo joined"]);
    assert.deepEqual((await house.messages.conversationOf("cleo", web))?.unread, 0);
    const page = await house.messages.history("ben", ops, { ...everything, events: false, limit: 1 });
    assert.deepEqual([page?.startSeq, page?.headSeq, page?.more], [2, 8, true]);
  });

  test("an invitation is listed first, shows nothing, and goes when it is turned down or taken back", async (house) => {
    await house.create(ops);
    await house.say(ops, "ana", "1");
    await accept(house.messages, directAppend("ben", "ana", { text: "hi" }));
    await house.event(ops, "ana", { kind: "invited", user: "ben" });
    await house.event(ops, "ana", { kind: "invited", user: "cleo" });
    assert.deepEqual(await house.listOf("ben"), ["o invited -", "n member hi"]);
    assert.deepEqual(await house.seenBy("ben", ops), []);
    const summary = await house.messages.conversationOf("ben", ops);
    assert.deepEqual([summary?.invitedBy, summary?.headSeq, summary?.unread], ["ana", 0, 0]);
    const rest = await house.messages.conversationsOf("ben", { ...firstPage, beforePosition: summary!.position });
    assert.deepEqual(rest.conversations.map(({ conversation }) => conversation), ["ana:ben"]);
    await house.event(ops, "ben", { kind: "left" });
    await house.event(ops, "ana", { kind: "removed", user: "cleo", banned: false });
    assert.deepEqual(await house.listOf("ben"), ["n member hi"]);
    assert.deepEqual(await house.listOf("cleo"), []);
    assert.equal((await house.messages.conversationOf("ana", ops))?.room?.memberCount, 1);
  });

  test("an invitation by somebody who is blocked is not listed", async (house, { settings }) => {
    await house.create(ops);
    await house.event(ops, "ana", { kind: "invited", user: "ben" });
    await settings.block("ben", "ana", house.messages.head);
    assert.deepEqual(await house.listOf("ben"), []);
    await settings.unblock("ben", "ana", house.messages.head);
    assert.deepEqual(await house.listOf("ben"), ["o invited -"]);
  });

  test("an invitation to where somebody was before leaves them what they have seen", async (house) => {
    await house.create(ops);
    await house.event(ops, "ben", { kind: "joined" });
    await house.event(ops, "ben", { kind: "left" });
    await house.event(ops, "ana", { kind: "invited", user: "ben" });
    assert.deepEqual(await house.seenBy("ben", ops), ["ben joined", "ben left"]);
    assert.deepEqual(await house.listOf("ben"), ["o invited -"]);
    await house.event(ops, "ben", { kind: "left" });
    assert.deepEqual(await house.listOf("ben"), ["o left -"]);
    await house.event(ops, "ana", { kind: "removed", user: "ben", banned: true });
    await house.event(ops, "ana", { kind: "unbanned", user: "ben" });
    assert.deepEqual(await house.listOf("ben"), ["o left -"]);
    assert.deepEqual(await house.seenBy("ben", ops), ["ben joined", "ben left"]);
  });

  test("a stranger who is banned, and whose ban is lifted, has seen nothing", async (house) => {
    await house.create(ops);
    await house.event(ops, "ana", { kind: "removed", user: "ben", banned: true });
    assert.deepEqual(await house.listOf("ben"), []);
    await house.event(ops, "ana", { kind: "unbanned", user: "ben" });
    assert.deepEqual(await house.listOf("ben"), []);
    assert.deepEqual(await house.seenBy("ben", ops), []);
  });

  test("what is about a message is seen by those only who see the message", async (house) => {
    await house.create(ops);
    const { seq } = await house.say(ops, "ana", "secret");
    await house.event(ops, "ben", { kind: "joined" });
    await house.event(ops, "ana", { kind: "edited", target: seq }, "still secret");
    await house.event(ops, "ana", { kind: "reacted", target: seq, emoji: "👍", removed: false });
    const said = await house.say(ops, "ana", "for all");
    await house.event(ops, "ana", { kind: "edited", target: said.seq }, "for everybody");
    await house.event(ops, "ana", { kind: "deleted", target: seq });
    assert.deepEqual(await house.seenBy("ben", ops), ["ben joined", "ana: for everybody", "ana edited"]);
  });

  test("a message that names all members counts once for each who may see it, from where it began to", async (house) => {
    const mentionsOf = async (user: string) => (await house.messages.conversationOf(user, ops))?.mentions;
    const change = (target: number, rest: Partial<Append>) =>
      accept(house.messages, entryAppend(ops, "ana", { event: { kind: "edited", target }, ...rest }));
    await house.create(ops, { historyVisible: true });
    await house.event(ops, "ben", { kind: "joined" });
    const { seq, audience } = await house.say(ops, "ana", "@room and @ben", { mentions: ["ben"], audience: "room" });
    assert.equal(audience, "room");
    await house.event(ops, "cleo", { kind: "joined" });
    assert.deepEqual(await Promise.all(["ana", "ben", "cleo", "dan"].map(mentionsOf)), [0, 1, 0, undefined]);
    await change(seq, { text: "no one" });
    assert.deepEqual(await Promise.all(["ben", "cleo"].map(mentionsOf)), [0, 0]);
    await change(seq, { text: "@room", audience: "room" });
    await change(seq, { text: "@room!", audience: "room" });
    assert.deepEqual(await Promise.all(["ana", "ben", "cleo"].map(mentionsOf)), [0, 1, 1]);
    assert.equal((await house.messages.entry("cleo", ops, seq))?.audience, "room");
    await house.event(ops, "ben", { kind: "left" });
    await change(seq, { text: "none" });
    await change(seq, { text: "@room again", audience: "room" });
    assert.deepEqual(await Promise.all(["ben", "cleo"].map(mentionsOf)), [0, 1]);
    assert.equal((await house.messages.entry("ben", ops, seq))?.audience, undefined);
    await house.event(ops, "ana", { kind: "deleted", target: seq });
    assert.equal(await mentionsOf("cleo"), 0);
    assert.equal((await house.messages.entry("cleo", ops, seq))?.audience, undefined);
  });

  test("an edit names those who are online anew only if the message did not name them before", async (house) => {
    const mentionsOf = async (user: string) => (await house.messages.conversationOf(user, ops))?.mentions;
    const edit = (target: number, rest: Partial<Append>) =>
      accept(house.messages, entryAppend(ops, "ana", { event: { kind: "edited", target }, ...rest }));
    await house.create(ops);
    for (const user of ["ben", "cleo", "dan"]) await house.event(ops, user, { kind: "joined" });
    const { seq } = await house.say(ops, "ana", "@here, @dan", { audience: "here", here: ["ben"], mentions: ["dan"] });
    assert.deepEqual(await Promise.all(["ben", "cleo", "dan"].map(mentionsOf)), [1, 0, 1]);
    await edit(seq, { text: "@here!", audience: "here", here: ["cleo"] });
    assert.deepEqual(await Promise.all(["ben", "cleo"].map(mentionsOf)), [1, 0]);
    await edit(seq, { text: "here" });
    assert.deepEqual(await Promise.all(["ben", "cleo", "dan"].map(mentionsOf)), [0, 0, 0]);
    await edit(seq, { text: "@here", audience: "here", here: ["cleo"] });
    assert.deepEqual(await Promise.all(["ben", "cleo", "dan"].map(mentionsOf)), [0, 1, 0]);
  });

  test("an edit to @here alone drops the members that only a name named, and keeps the others from before", async (house) => {
    const mentionsOf = async (user: string) => (await house.messages.conversationOf(user, ops))?.mentions;
    const named = async (seq: number) =>
      await Promise.all(
        ["ben", "cleo", "dan"].map(async (user) => (await house.messages.entry(user, ops, seq))?.naming),
      );
    const edit = (target: number, rest: Partial<Append>) =>
      accept(house.messages, entryAppend(ops, "ana", { event: { kind: "edited", target }, ...rest }));
    await house.create(ops);
    for (const user of ["ben", "cleo", "dan"]) await house.event(ops, user, { kind: "joined" });
    const here = { audience: "here", here: ["ben"] } as const;
    const { seq } = await house.say(ops, "ana", "@here @ben @dan", { ...here, mentions: ["ben", "dan"] });
    assert.deepEqual(await named(seq), ["new", undefined, "new"]);
    const alone = await edit(seq, { text: "@here", audience: "here", here: ["cleo"] });
    assert.deepEqual(await Promise.all(["ben", "cleo", "dan"].map(mentionsOf)), [1, 0, 0]);
    assert.deepEqual(await named(alone.seq), ["kept", undefined, undefined]);
    const byName = await edit(seq, { text: "@ben and @dan", mentions: ["ben", "dan"] });
    assert.deepEqual(await named(byName.seq), ["kept", undefined, "new"]);
    assert.deepEqual(await named(alone.seq), [undefined, undefined, undefined], "another edit followed");
    await house.messages.commit(["ben", "dan"].map((user) => (
      { kind: "move_read", conversation: ops, user, seq: byName.seq } as const
    )));
    const all = await edit(seq, { text: "@room", audience: "room" });
    assert.deepEqual(await named(all.seq), ["kept", "new", "kept"]);
    assert.deepEqual(await Promise.all(["ben", "cleo", "dan"].map(mentionsOf)), [0, 1, 0]);
    const again = await edit(seq, { text: "@cleo and @dan", mentions: ["cleo", "dan"] });
    assert.deepEqual(await named(again.seq), [undefined, "kept", "kept"]);
    assert.deepEqual(await Promise.all(["ben", "cleo", "dan"].map(mentionsOf)), [0, 1, 0]);
    await house.event(ops, "ana", { kind: "deleted", target: seq });
    assert.deepEqual([await named(seq), await named(again.seq)], Array(2).fill(Array(3).fill(undefined)));
  });

  test("a message names its readers, its author never, and only by a text that they may see", async (house) => {
    await house.create(ops, { historyVisible: true });
    await house.event(ops, "ben", { kind: "joined" });
    const { seq } = await house.say(ops, "ana", "@room, @ana", { audience: "room", mentions: ["ana"] });
    const naming = async (user: string, of: number) => (await house.messages.entry(user, ops, of))?.naming;
    assert.deepEqual([await naming("ana", seq), await naming("ben", seq)], [undefined, "new"]);
    await house.event(ops, "ben", { kind: "left" });
    const edited = entryAppend(ops, "ana", { event: { kind: "edited", target: seq }, text: "@ben", mentions: ["ben"] });
    await accept(house.messages, edited);
    assert.equal(await naming("ben", seq), undefined);
  });

  test("one's own message moves the read position over one's own mention of all, and not over another's", async (house) => {
    await house.create(ops);
    await house.event(ops, "ben", { kind: "joined" });
    const own = await house.say(ops, "ana", "@room @here", { audience: "room", here: ["ana", "ben"] });
    const read = (user: string, seq: number) =>
      house.messages.commit([{ kind: "move_read", conversation: ops, user, seq, ownOnly: true }]);
    await read("ana", own.seq);
    assert.equal((await house.messages.conversationOf("ana", ops))?.readSeq, own.seq);
    const { seq } = await house.say(ops, "ben", "yes");
    await read("ben", seq);
    assert.equal((await house.messages.conversationOf("ben", ops))?.readSeq, 2);
  });

  test("blocking hides what comes from then on, also after it ended", async (house, { settings }) => {
    await house.create(ops, { historyVisible: true });
    await house.event(ops, "ben", { kind: "joined" });
    await house.say(ops, "ben", "1");
    await settings.block("ana", "ben", house.messages.head);
    const hidden = await house.say(ops, "ben", "2", { mentions: ["ana"] });
    await house.say(ops, "ana", "mine");
    const own = (await house.say(ops, "ana", "mine too")).seq;
    await house.event(ops, "ben", { kind: "reacted", target: own, emoji: "👎", removed: false });
    const summary = await house.messages.conversationOf("ana", ops);
    assert.deepEqual([summary?.unread, summary?.mentions, summary?.last?.text], [1, 0, "mine too"]);
    await settings.unblock("ana", "ben", house.messages.head);
    await house.say(ops, "ben", "3");
    await house.event(ops, "ben", { kind: "edited", target: hidden.seq }, "2, really");
    await house.event(ops, "ben", { kind: "reacted", target: own, emoji: "👍", removed: false });
    const seen = ["ana room_created", "ben joined", "ben: 1", "ana: mine", "ana: mine too", "ben: 3", "ben reacted"];
    const { messages } = await house.messages.messagesAfter("ana", 0, unlimited);
    assert.deepEqual(messages.map(brief), seen);
    const page = await house.messages.history("ana", ops, everything);
    assert.deepEqual(page?.messages.map(brief), seen);
    assert.deepEqual(page?.messages[4].reactions, [{ emoji: "👍", count: 1, own: false }]);
    const shown = await house.messages.history("ben", ops, everything);
    assert.equal(shown?.messages.find(({ seq }) => seq === own)?.reactions?.length, 2);
    assert.equal(await house.messages.entry("ana", ops, hidden.seq), undefined);
  });

  test("events of several people in one commit count one after the other", async (house) => {
    await house.create(ops);
    const event = (sender: string, event: RoomEvent) => entryAppend(ops, sender, { event });
    const results = await house.messages.commit([
      event("ben", { kind: "joined" }),
      event("nobody-knows", { kind: "joined" }),
      event("ana", { kind: "invited", user: "nobody-knows" }),
      entryAppend("+" + "z".repeat(26), "ana", { text: "nowhere" }),
      entryAppend(ops, "ben", { text: "hello" }),
      event("ana", { kind: "removed", user: "ben", banned: false }),
      entryAppend(ops, "ana", { text: "bye" }),
    ]);
    const kinds = ["accepted", "failed", "failed", "no_room", "accepted", "accepted", "accepted"];
    assert.deepEqual(results.map(({ kind }) => kind), kinds);
    assert.deepEqual([0, 4, 5, 6].map((index) => acceptedMessage(results[index]).ordinal), [0, 1, 1, 2]);
    assert.deepEqual(await house.seenBy("ben", ops), ["ben joined", "ben: hello", "ana removed ben"]);
  });

  test("conversationsOf() pages through rooms that are left, rooms that go on, and people", async (house) => {
    const rooms = ["a", "b", "c", "d"].map((letter) => "+" + letter.repeat(26));
    for (const room of rooms) {
      await house.create(room, { isPublic: false });
      await house.event(room, "ben", { kind: "joined" });
      await accept(house.messages, directAppend("ben", "cleo", { text: "noise" }));
    }
    await house.event(rooms[1], "ben", { kind: "left" });
    await accept(house.messages, directAppend("ben", "ana", { text: "hi" }));
    await house.event(rooms[2], "ben", { kind: "left" });
    await house.say(rooms[1], "ana", "not for ben");
    await house.say(rooms[0], "ana", "newest");
    const found: string[] = [];
    let beforePosition = 0;
    for (let more = true; more;) {
      const page = await house.messages.conversationsOf("ben", { ...firstPage, beforePosition, limit: 2 });
      found.push(...page.conversations.map(({ conversation }) => conversation));
      beforePosition = page.conversations.at(-1)!.position;
      more = page.more;
    }
    assert.deepEqual(found, [rooms[0], rooms[2], "ana:ben", rooms[1], "ben:cleo", rooms[3]]);
  });
}
