/** Conversations that come, go and change while the chat runs, the same with every face. */
import assert from "node:assert/strict";
import { type Conversation, Role } from "../../../../src/gen/chatd/v1/chat.ts";
import { serverWithHistory, testWithFaces as test } from "../../../support/servers/chat_at_terminal.ts";
import { eventually } from "../../../support/waiting/eventually.ts";
import { roomId, wireRoom } from "../../../support/servers/wire_values.ts";

const invitation = wireRoom({ role: Role.INVITED, invitedBy: "ben", position: 99 });
const invitationText = /ben invited you to #ops\+k2k\. To accept: \/join #ops\+k2k\. To/g;

test("an invitation that came while the client was disconnected is shown, once", () => ({
  server: serverWithHistory(5),
  to: "ben",
}), async (chat) => {
  await chat.isIn("ben");
  await chat.disconnect();
  chat.server.roomsOf = () => [invitation];
  await chat.reconnect();
  await eventually(() => chat.count(invitationText) === 1, () => chat.seen);
  chat.server.cut();
  await eventually(() => chat.count(/Connected again\./g) === 2, () => chat.seen);
  chat.type("/ping\r");
  await chat.sees("The server answered in");
  assert.equal(chat.count(invitationText), 1, chat.seen);
});

test("an invitation is shown when it comes, and again when it comes after it was declined", () => ({
  server: serverWithHistory(5),
  to: "ben",
}), async (chat) => {
  await chat.isIn("ben");
  let revision = 0;
  const change = (rooms: Conversation[]) => {
    chat.server.roomsOf = () => rooms;
    const value = { revision: ++revision, conversation: roomId };
    for (const session of chat.server.sessions) session.tell({ $case: "stateChanged", value });
  };
  change([invitation]);
  await eventually(() => chat.count(invitationText) === 1, () => chat.seen);
  chat.type("/leave #ops\r");
  await eventually(() => chat.server.roomsOf("ana").length === 0, () => "the invitation was declined");
  change([invitation]);
  await eventually(() => chat.count(invitationText) === 2, () => chat.seen);
});

test("a display name is shown after the account name in lists and alerts, and follows changes", () => {
  const server = serverWithHistory(5);
  server.profiles.set("ben", { displayName: "Ben Ito", status: "" });
  return { server, to: "cat" };
}, async (chat) => {
  await chat.isIn("cat");
  chat.type("/conversations\r");
  await chat.sees("  ben · Ben Ito\n");
  chat.server.profiles.set("ben", { displayName: "cat", status: "" });
  const value = { revision: 1, conversation: "ana:ben" };
  for (const session of chat.server.sessions) session.tell({ $case: "stateChanged", value });
  chat.type("/conversations\r");
  await chat.sees("  ben · cat\n");
  chat.type("/set notify on\r");
  await chat.sees("Desktop notifications are on");
  let written = "";
  const write = chat.terminal.write.bind(chat.terminal);
  chat.terminal.write = (text) => {
    written += text;
    return write(text);
  };
  chat.receive("ben", "hello");
  await eventually(() => written.includes("\x1b]9;ben · cat: hello\x1b\\"), () => JSON.stringify(written));
});

test("a lost notice of a change has all conversations loaded again", () => ({
  server: serverWithHistory(5),
  to: "ben",
}), async (chat) => {
  await chat.isIn("ben");
  chat.server.roomsOf = () => [invitation];
  const value = { revision: 7, conversation: "ana:ben" };
  for (const session of chat.server.sessions) session.tell({ $case: "stateChanged", value });
  await eventually(() => chat.count(invitationText) === 1, () => chat.seen);
});

test("messages of a room that was not known come under its name, in order", () => ({
  server: serverWithHistory(5),
  to: "ben",
}), async (chat) => {
  await chat.isIn("ben");
  chat.server.roomsOf = () => [wireRoom()];
  chat.receive("cat", "first", roomId);
  chat.receive("cat", "second", roomId);
  await chat.sees("#ops+k2k");
  chat.type("/to #ops\r");
  await chat.isIn("#ops+k2k");
  await chat.sees(/cat: first\n[^]*cat: second\n/);
  assert.doesNotMatch(chat.seen, /\[\+k2/);
});

test("leaving the current room leaves no conversation to write to", () => {
  const server = serverWithHistory(5);
  server.roomsOf = () => [wireRoom({ position: 99 })];
  return { server, to: roomId };
}, async (chat) => {
  await chat.isIn("#ops+k2k");
  chat.type("/leave\r");
  await chat.sees(/\[(ana|no conversation)\]$/);
  chat.type("hello?\r");
  await chat.sees("No recipient.");
});
