import assert from "node:assert/strict";
import type { Message } from "../../../src/core/messages/message.ts";
import { type Conversation, Role } from "../../../src/gen/chatd/v1/chat.ts";
import { ConversationList, type Level } from "../../../src/terminal/chat/conversation_list.ts";
import { wireConversation } from "../../support/servers/wire_values.ts";

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
  assert.equal(list.arrived(message(3)), "direct");
  assert.deepEqual(order(list), ["ben", ops]);
  assert.equal(list.arrived(message(4, { conversation: ops })), "counted");
  assert.equal(list.arrived(message(5, { conversation: ops, text: "look, @ana." })), "mention");
  assert.equal(list.arrived(message(6, { conversation: ops, sender: "ana" })), "own");
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
  assert.equal(mentions.arrived(message(3, { conversation: ops })), "silent");
  assert.equal(mentions.arrived(message(4, { conversation: ops, text: "@ana" })), "mention");
  assert.equal(mentions.get(ops)!.unread, 1);
  const none = listWith("none");
  assert.equal(none.arrived(message(3, { conversation: ops, text: "@ana" })), "silent");
  assert.equal(none.get(ops)!.unread, 0);
});

Deno.test("the next unread conversation is one that names the person, else the most recent", () => {
  const list = listWith();
  list.arrived(message(3, { conversation: ops, text: "@ana" }));
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
