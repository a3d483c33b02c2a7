/** Rooms that share a name differ on the screen, and a name that is typed means one of them or none. */
import assert from "node:assert/strict";
import { type Conversation, Role } from "../../../../src/gen/chatd/v1/chat.ts";
import {
  type ChatAtTerminal,
  chatting,
  faceNames,
  serverWithHistory,
} from "../../../support/servers/chat_at_terminal.ts";
import type { FakeChatServer } from "../../../support/fakes/fake_chat_server.ts";
import { wireRoom } from "../../../support/servers/wire_values.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const ids = { own: `+k3v${"a".repeat(23)}`, other: `+k3w${"a".repeat(23)}`, open: `+open${"a".repeat(22)}` };

function room(id: string, { isPublic = false, ...change }: Partial<Conversation> & { isPublic?: boolean } = {}) {
  return wireRoom(change, { id, name: "boss", public: isPublic });
}

const own = room(ids.own, { position: 3 });
const other = room(ids.other, { position: 2 });
const open = room(ids.open, { isPublic: true, position: 1 });
const invitation = room(ids.other, { role: Role.INVITED, invitedBy: "cat", position: 99 });

/** Tests a behaviour with every face: ana is with ben and in these rooms, and others are public. */
function test(
  behaviour: string,
  { rooms, openRooms = [] }: { rooms: readonly Conversation[]; openRooms?: readonly Conversation[] },
  use: (chat: ChatAtTerminal) => Promise<void>,
): void {
  for (const face of faceNames) {
    Deno.test(`${behaviour} (${face})`, () => {
      const server = serverWithHistory(5);
      server.roomsOf = (user) => user === "ana" ? rooms : [];
      server.openRooms = openRooms;
      server.members.set(ids.own, [member("ben", Role.OWNER)]);
      server.members.set(ids.other, [member("ana", Role.MEMBER), member("cat", Role.OWNER)]);
      return chatting({ face, server, to: "ben", columns: 160, rows: 40 }, async (chat) => {
        await chat.isIn("ben");
        await chat.sees(face === "line" ? "news" : "boss");
        await use(chat);
      });
    });
  }
}

function member(user: string, role: Role) {
  return { user, role, online: true, displayName: "", status: "" };
}

async function isSent(chat: ChatAtTerminal, text: string, conversation: string): Promise<void> {
  const found = () => chat.server.log.filter((message) => message.text === text);
  await eventually(() => found().length > 0, () => `${text} in\n${chat.seen}`);
  assert.deepEqual(found().map((message) => message.conversation), [conversation]);
}

/** The text of the screen as one line. */
const flat = ({ seen }: ChatAtTerminal) => seen.replace(/\n[^\n│]*│ ? */g, " ").replace(/\s+/g, " ");

async function says(chat: ChatAtTerminal, text: string): Promise<void> {
  await eventually(() => flat(chat).includes(text), () => `${text} in\n${chat.seen}`);
}

test("private rooms differ from a public one of their name, and from each other, without colours", {
  rooms: [own, other, open],
}, async (chat) => {
  chat.type("/conversations\r");
  for (const line of ["  #boss+k3v (private)\n", "  #boss+k3w (private)\n", "  #boss\n"]) await chat.sees(line);
  chat.type("/rooms\r");
  await chat.sees("  #boss+k3w (private)");
  chat.type("/to #boss+k3v\r");
  await chat.isIn("#boss+k3v");
  chat.receive("cat", "@ana see this", ids.other);
  await chat.sees(/#boss\+k3w +(1|@)|\[#boss\+k3w\] +cat: @ana see this/);
});

test("an invitation to another room of the name does not change what the name means", {
  rooms: [own, invitation],
}, async (chat) => {
  await says(chat, "cat invited you to #boss+k3w. To accept: /join #boss+k3w. To decline: /leave #boss+k3w");
  chat.type("/to #boss\rfor ben's room\r");
  await chat.isIn("#boss+k3v");
  await isSent(chat, "for ben's room", ids.own);
  chat.type("/to ben\r/msg #boss once more\r");
  await isSent(chat, "once more", ids.own);
  chat.type("/to #boss+k3w\r/ping\r");
  await chat.sees("The server answered in");
  await chat.isIn("#boss+k3v");
});

test("an invitation alone is not where a name leads, and /join accepts it", { rooms: [invitation] }, async (chat) => {
  chat.type("/to #boss\rnot sent\r");
  await says(chat, "cat invited you to #boss+k3w: /join #boss+k3w");
  await says(chat, "Not sent to #boss:");
  assert.deepEqual(chat.requests("send"), []);
  chat.type("\x15/join #boss\r");
  await chat.isIn("#boss+k3w");
});

test("with an invitation to a private room, the name still means the public one", {
  rooms: [invitation],
  openRooms: [open],
}, async (chat) => {
  chat.type("/join #boss\rhello all\r");
  await chat.isIn("#boss");
  await isSent(chat, "hello all", ids.open);
});

test("the name of a public room that the person is invited to means that room, and tells how to join it", {
  rooms: [room(ids.open, { isPublic: true, role: Role.INVITED, invitedBy: "cat", position: 99 }), invitation],
}, async (chat) => {
  chat.type("/to cat\r");
  await chat.isIn("cat");
  chat.type("/to #boss\r");
  await says(chat, "cat invited you to #boss. To accept: /join #boss. To decline: /leave #boss");
  chat.type("/join #boss\rhello all\r");
  await isSent(chat, "hello all", ids.open);
});

test("a name of several rooms means none of them, and the answer has addresses that work", {
  rooms: [own, open],
}, async (chat) => {
  chat.type("/to #boss\rnot sent\r");
  await says(
    chat,
    "2 rooms are named #boss: #boss+k3v (private, by ben), #boss+ope (public). Use #boss+k3v or #boss+ope.",
  );
  await says(chat, "Not sent to #boss: 2 rooms");
  assert.deepEqual(chat.requests("send"), []);
  chat.type("\x15/to #boss+ope\rfor all\r");
  await isSent(chat, "for all", ids.open);
  await chat.isIn("#boss");
  chat.type("/msg #boss+k3v for few\r");
  await isSent(chat, "for few", ids.own);
  await chat.isIn("#boss+k3v");
  for (
    const command of ["/who #boss", "/leave #boss", "/history #boss", "/search in:#boss x", "/set level #boss none"]
  ) {
    chat.type("/ping\r");
    const asked = flat(chat).split("2 rooms are named #boss").length;
    chat.type(`${command}\r`);
    await eventually(
      () => flat(chat).split("2 rooms are named #boss").length > asked,
      () => `${command}: ${chat.seen}`,
    );
  }
  assert.deepEqual([chat.requests("leaveRoom"), chat.requests("search")], [[], []]);
});

test("/history DATE in a room that the server has yet to find goes to its part once it is found", {
  rooms: [own],
  openRooms: [{ ...open, room: { ...open.room!, name: "ops" } }],
}, async (chat) => {
  chat.server.append("cat", ids.open, "the first of ops");
  chat.server.held = "getConversation";
  chat.type("/to #ops\r/history 2026-01-10\r");
  await chat.isIn("#ops …");
  chat.type("/ping\r");
  chat.server.release();
  await chat.sees("The server answered in");
  await chat.isIn("#ops");
  await chat.sees("cat: the first of ops");
  assert.doesNotMatch(flat(chat), /You are in no conversation/);
});

test("/jump with a name of several rooms goes to none, and what is typed next comes back", {
  rooms: [own, open],
}, async (chat) => {
  chat.type("/jump #boss 3\rnot sent\r");
  await says(chat, "2 rooms are named #boss: #boss+k3v (private, by ben), #boss+ope (public).");
  await says(chat, "Not sent to #boss: 2 rooms");
  await chat.isIn("#boss ?", "not sent");
  assert.deepEqual(chat.requests("send"), []);
});

test("all invitations to rooms of a name that was not found are told", {
  rooms: [invitation, room(ids.own, { role: Role.INVITED, invitedBy: "ben", position: 98 })],
}, async (chat) => {
  chat.type("/jump #boss 3\r");
  await says(chat, "cat invited you to #boss+k3w: /join #boss+k3w");
  await says(chat, "ben invited you to #boss+k3v: /join #boss+k3v");
});

test("two private rooms of a name are told apart by their owners", { rooms: [own, other] }, async (chat) => {
  chat.type("/to #boss\r");
  await says(chat, "2 rooms are named #boss: #boss+k3v (private, by ben), #boss+k3w (private, by cat).");
});

test("Tab completes each room to an address that means it", { rooms: [own, open, invitation] }, async (chat) => {
  chat.type("/to #boss+k\t");
  await chat.sees(/\] \/to #boss\+k3$/);
  chat.type("v\t\r");
  await chat.isIn("#boss+k3v");
  chat.type("/to #boss+o\t\r");
  await chat.isIn("#boss");
});

test("a room that was left is not joined by its name, but the one that has the name now", {
  rooms: [open],
}, async (chat) => {
  chat.type("/to #boss\r");
  await chat.isIn("#boss");
  chat.type("/leave\r");
  await chat.sees(/\[(ana|no conversation)\]$/);
  const successor = room(ids.other, { isPublic: true });
  chat.server.openRooms = [successor];
  chat.type("/join #boss\rto the new one\r");
  await chat.isIn("#boss");
  await isSent(chat, "to the new one", ids.other);
  assert.deepEqual(chat.requests("joinRoom").map(({ room }) => room), ["#boss"]);
});

for (const [to, label] of [["#boss", "#boss+k3v"], ["#boss+k3v", "#boss+k3v"]]) {
  Deno.test(`a client that starts with ${to} goes to the person's room of this name`, async () => {
    const server: FakeChatServer = serverWithHistory(5);
    server.roomsOf = () => [own];
    await chatting({ face: "full screen", server, to }, async (chat) => {
      chat.type("at once\r");
      await chat.isIn(label);
      await isSent(chat, "at once", ids.own);
      await chat.sees("#boss+k3v (private)");
    });
  });
}
