import assert from "node:assert/strict";
import type { Message } from "../../../../src/core/messages/message.ts";
import { type Conversation, Role } from "../../../../src/gen/chatd/v1/chat.ts";
import { ConversationList, type Level } from "../../../../src/terminal/chat/conversations/conversation_list.ts";
import { wireConversation } from "../../../support/servers/wire_values.ts";

const ops = `+${"k".repeat(26)}`;

function message(position: number, more: Partial<Message> = {}): Message {
  return {
    position,
    conversation: "ana:ben",
    seq: position,
    id: `id-${position}`,
    sender: "ben",
    acceptedAt: position,
    text: "hi",
    ordinal: position,
    ...more,
  };
}

function known(more: Partial<Conversation> = {}): Conversation {
  return wireConversation({ address: "ben", ...more });
}

function listWith(level: Level = "all"): ConversationList {
  const list = new ConversationList({ me: "ana", level: () => level });
  list.learn(known({ position: 1, readSeq: 1 }));
  list.learn(known({ address: ops, conversation: ops, position: 2, readSeq: 2, unread: 0 }));
  return list;
}

const order = (list: ConversationList) => list.all.map(({ address }) => address);

Deno.test("the most recent conversation is on top, and unread messages are counted", () => {
  const list = listWith();
  assert.deepEqual(order(list), [ops, "ben"]);
  assert.equal(list.arrived(message(3)).weight, "direct");
  assert.deepEqual(order(list), ["ben", ops]);
  assert.equal(list.arrived(message(4, { conversation: ops })).weight, "counted");
  assert.equal(list.arrived(message(5, { conversation: ops, text: "look, @ana.", naming: "new" })).weight, "mention");
  assert.equal(list.arrived(message(6, { conversation: ops, sender: "ana" })).weight, "own");
  const { unread, mentions } = list.get(ops)!;
  assert.deepEqual([unread, mentions], [2, 1]);
});

Deno.test("a message that the server counted is not counted again", () => {
  const list = new ConversationList({ me: "ana" });
  list.learn(known({ unread: 2, position: 7, readSeq: 5 }));
  list.arrived(message(6));
  list.arrived(message(7));
  assert.equal(list.get("ana:ben")!.unread, 2);
  list.arrived(message(8));
  assert.equal(list.get("ana:ben")!.unread, 3);
});

Deno.test("a read message is not unread any more", () => {
  const list = listWith();
  list.arrived(message(3));
  list.read("ana:ben", 3);
  assert.deepEqual([list.get("ana:ben")!.unread, list.get("ana:ben")!.readSeq], [0, 3]);
});

Deno.test("a room with the level mentions counts those alone, and one with none nothing", () => {
  const mentions = listWith("mentions");
  assert.equal(mentions.arrived(message(3, { conversation: ops })).weight, "silent");
  assert.equal(mentions.arrived(message(4, { conversation: ops, text: "@ana", naming: "new" })).weight, "mention");
  assert.equal(mentions.get(ops)!.unread, 1);
  const none = listWith("none");
  assert.equal(none.arrived(message(3, { conversation: ops, text: "@ana", naming: "new" })).weight, "silent");
  assert.equal(none.get(ops)!.unread, 0);
});

Deno.test("the next unread conversation is one that names the person, else the most recent", () => {
  const list = listWith();
  list.arrived(message(3, { conversation: ops, text: "@ana", naming: "new" }));
  list.arrived(message(4));
  assert.equal(list.nextUnread(undefined)?.address, ops);
  assert.equal(list.nextUnread(ops)?.address, "ben");
  list.read("ana:ben", 4);
  assert.equal(list.nextUnread(ops), undefined);
});

Deno.test("a room that was left is gone, and an invitation says by whom", () => {
  const list = listWith();
  list.arrived(message(3, { conversation: ops, event: { kind: "removed", user: "ana", banned: false } }));
  assert.deepEqual(order(list), ["ben"]);
  list.learn(known({ address: ops, conversation: ops, role: Role.INVITED, invitedBy: "ben", position: 9 }));
  assert.equal(list.get(ops)!.invitedBy, "ben");
  list.learn(known({ address: ops, conversation: ops, role: Role.LEFT }));
  assert.deepEqual(order(list), ["ben"]);
});

/** An edit or a deletion of a message, at this position. */
function change(position: number, event: NonNullable<Message["event"]>, more: Partial<Message> = {}): Message {
  return message(position, { event, ...more });
}

const countsOf = (list: ConversationList, conversation: string) => {
  const { unread, mentions } = list.get(conversation)!;
  return [unread, mentions];
};

Deno.test("a deleted message stops counting as unread, whoever deleted it", () => {
  const list = listWith();
  list.arrived(message(3));
  list.arrived(message(4));
  list.arrived(change(5, { kind: "deleted", target: 3 }));
  assert.deepEqual(countsOf(list, "ana:ben"), [1, 0]);
  list.arrived(change(6, { kind: "deleted", target: 3 }));
  assert.deepEqual(countsOf(list, "ana:ben"), [1, 0], "once");
  list.arrived(message(7, { conversation: ops, text: "@ana", naming: "new" }));
  list.arrived(change(8, { kind: "deleted", target: 7 }, { conversation: ops, sender: "ana" }));
  assert.deepEqual(countsOf(list, ops), [0, 0]);
});

Deno.test("a mention that an edit adds counts and rings, one that it removes does neither", () => {
  const list = listWith();
  list.arrived(message(3, { conversation: ops }));
  const edit = (position: number, more: Partial<Message>) =>
    list.arrived(change(position, { kind: "edited", target: 3 }, { conversation: ops, ...more }));
  assert.equal(edit(4, { text: "look @ana", naming: "new" }).weight, "mention");
  assert.deepEqual(countsOf(list, ops), [1, 1]);
  assert.equal(edit(5, { text: "look here, @ana", naming: "kept" }).weight, "silent", "it was one before");
  assert.deepEqual(countsOf(list, ops), [1, 1]);
  assert.equal(edit(6, { text: "look" }).weight, "silent");
  assert.deepEqual(countsOf(list, ops), [1, 0]);
});

Deno.test("a mention that an edit adds to a message that was read counts until it is read", () => {
  const list = listWith();
  list.arrived(message(3, { conversation: ops }));
  list.read(ops, 3);
  const edit = change(4, { kind: "edited", target: 3 }, { conversation: ops, text: "@ana", naming: "new" });
  assert.equal(list.arrived(edit).weight, "mention");
  assert.deepEqual(countsOf(list, ops), [0, 1]);
  assert.equal(list.nextUnread(undefined)?.address, ops);
  const without = change(5, { kind: "edited", target: 3 }, { conversation: ops, text: "no one" });
  assert.equal(list.arrived(without).isUncertain, true, "the server is asked");
  list.read(ops, 5);
  assert.deepEqual(countsOf(list, ops), [0, 0]);
});

Deno.test("only the server's mark names the person, so @here of another hour neither rings nor counts", () => {
  const list = listWith();
  assert.equal(list.arrived(message(3, { conversation: ops, text: "@here", audience: "here" })).weight, "counted");
  assert.equal(
    list.arrived(message(4, { conversation: ops, text: "@here", audience: "here", naming: "new" })).weight,
    "mention",
  );
  assert.deepEqual(countsOf(list, ops), [2, 1]);
});

Deno.test("an edit of an older message rings only if it names the person for the first time", () => {
  const list = listWith();
  const edit = (position: number, naming: Message["naming"]) =>
    list.arrived(change(position, { kind: "edited", target: 2 }, { conversation: ops, text: "@ana", naming }));
  assert.deepEqual(edit(3, "kept"), { weight: "silent", isUncertain: false });
  assert.deepEqual(edit(4, "new"), { weight: "mention", isUncertain: true });
});

Deno.test("a person may mention all by their role and the setting of the room, as both change", () => {
  const room = { id: ops, name: "ops", topic: "", public: true, historyVisible: false, members: 3, createdAtMs: 1 };
  const list = new ConversationList({ me: "ana" });
  const learn = (role: Role, mentionAll: Role, position: number) =>
    list.learn(known({ address: ops, conversation: ops, position, role, room: { ...room, mentionAll } }));
  const isTold = (role: Role, mentionAll: Role) => {
    learn(role, mentionAll, 1);
    return list.mayMentionAll(ops);
  };
  assert.equal(list.mayMentionAll(ops), false, "an unknown room");
  assert.deepEqual([Role.MEMBER, Role.MODERATOR, Role.OWNER].map((role) => isTold(role, Role.MODERATOR)), [
    false,
    true,
    true,
  ]);
  assert.deepEqual([isTold(Role.MEMBER, Role.MEMBER), isTold(Role.INVITED, Role.MEMBER)], [true, false]);
  assert.equal(isTold(Role.MODERATOR, Role.UNSPECIFIED), true, "an older server");
  const settings = { kind: "room_changed", isPublic: true, historyVisible: false, byOperator: false } as const;
  list.arrived(message(2, { conversation: ops, event: { ...settings, mentionAll: "owner" } }));
  assert.equal(list.mayMentionAll(ops), false);
  list.arrived(message(3, { conversation: ops, event: { kind: "role_changed", user: "cleo", role: "owner" } }));
  assert.equal(list.mayMentionAll(ops), false, "another's role");
  list.arrived(message(4, { conversation: ops, event: { kind: "role_changed", user: "ana", role: "owner" } }));
  assert.equal(list.mayMentionAll(ops), true);
});

Deno.test("the server is asked about a change of an unread message that did not arrive here", () => {
  const list = new ConversationList({ me: "ana" });
  list.learn(known({ unread: 2, position: 7, readSeq: 5 }));
  assert.equal(list.arrived(change(8, { kind: "deleted", target: 6 })).isUncertain, true);
  assert.equal(list.arrived(change(9, { kind: "deleted", target: 5 })).isUncertain, false, "it was read");
});

Deno.test("changes that the server counted are not counted again", () => {
  const list = new ConversationList({ me: "ana" });
  list.learn(known({ unread: 1, position: 8, readSeq: 5 }));
  list.arrived(message(6));
  list.arrived(message(7));
  list.arrived(change(8, { kind: "deleted", target: 6 }));
  assert.deepEqual(countsOf(list, "ana:ben"), [1, 0]);
});

Deno.test("an answer that a message overtook does not lower the count", () => {
  const list = listWith();
  list.arrived(message(3));
  list.learn(known({ position: 1, readSeq: 1, unread: 0 }));
  assert.deepEqual(countsOf(list, "ana:ben"), [1, 0]);
});

Deno.test("a room that was joined by invitation counts, is sorted, and is found like others", () => {
  const invitation = known({ address: ops, conversation: ops, role: Role.INVITED, invitedBy: "ben", position: 1e12 });
  const ways: ((list: ConversationList) => void)[] = [
    (list) => list.learn(known({ address: ops, conversation: ops, role: Role.MEMBER, position: 2, readSeq: 2 })),
    // Joined on another device.
    (list) => list.arrived(message(2, { conversation: ops, sender: "ana", event: { kind: "joined" } })),
  ];
  for (const join of ways) {
    const list = new ConversationList({ me: "ana" });
    list.learn(invitation);
    join(list);
    assert.equal(list.get(ops)!.invitedBy, undefined);
    list.arrived(message(3));
    assert.deepEqual(order(list), ["ben", ops]);
    list.arrived(message(4, { conversation: ops }));
    assert.deepEqual(order(list), [ops, "ben"]);
    assert.deepEqual(countsOf(list, ops), [1, 0]);
    assert.equal(list.nextUnread("ana:ben")?.address, ops);
  }
});

Deno.test("in a full list, a new conversation replaces the oldest one, and its messages count", () => {
  const list = new ConversationList({ me: "ana" });
  for (let i = 1; i <= 500; i++) {
    list.learn(known({ address: `user${i}`, conversation: `ana:user${i}`, position: i, readSeq: 1 }));
  }
  list.open("ana:zoe");
  assert.equal(list.get("ana:zoe")?.address, "zoe");
  assert.equal(list.arrived(message(501)).weight, "direct");
  assert.equal(list.get("ana:ben")?.unread, 1);
  assert.deepEqual(order(list).slice(0, 2), ["ben", "user500"]);
  assert.equal(list.all.length, 500);
  assert.equal(list.get("ana:user1"), undefined);
});
