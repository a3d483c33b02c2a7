/** Messages count as read, and a person as away, by whether the person is at the terminal. */
import assert from "node:assert/strict";
import { Naming, PresenceState, Role } from "../../../../src/gen/chatd/v1/chat.ts";
import { ManualTimers } from "../../../support/fakes/manual_timers.ts";
import {
  type ChatAtTerminal,
  type ChatSetup,
  chatting,
  faceNames,
  serverWithHistory,
} from "../../../support/servers/chat_at_terminal.ts";
import { roomId, wireRoom } from "../../../support/servers/wire_values.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const minute = 60_000;
const focus = { gained: "\x1b[I", lost: "\x1b[O" };

interface Present {
  readonly chat: ChatAtTerminal;
  readonly time: ManualTimers;
}

/** Tests a behaviour with every face, in a conversation with ben whose 3 messages were read. */
function test(behaviour: string, use: (present: Present) => Promise<void>, setup: Partial<ChatSetup> = {}): void {
  for (const face of faceNames) {
    Deno.test(`${behaviour} (${face})`, async () => {
      const time = new ManualTimers();
      await chatting({ to: "ben", server: serverWithHistory(3), timers: time, face, ...setup }, async (chat) => {
        await chat.isIn("ben");
        await chat.sees("ben: news 3.");
        await readIs({ chat, time }, 3);
        await use({ chat, time });
      });
    });
  }
}

/** The values of the requests of a kind that the chat sent. */
function requests({ server }: ChatAtTerminal): NonNullable<typeof server.framesRead[0]["requests"][0]["kind"]>[] {
  return server.framesRead.flatMap(({ requests }) => requests).flatMap(({ kind }) => kind ?? []);
}

function readTold(chat: ChatAtTerminal): number[] {
  return requests(chat).flatMap((kind) => kind.$case === "read" ? [kind.value.seq] : []);
}

function awayTold(chat: ChatAtTerminal): boolean[] {
  return requests(chat).flatMap((kind) => kind.$case === "setAway" ? [kind.value.away] : []);
}

/** Waits until the server was told how far the person has read. */
async function readIs({ chat, time }: Present, seq: number): Promise<void> {
  await eventually(async () => {
    await time.advance(600);
    return readTold(chat).at(-1) === seq;
  }, () => `${readTold(chat)} told, in\n${chat.seen}`);
}

/** Waits until the chat has answered a question of the person, and so handled everything before. */
async function ping(chat: ChatAtTerminal): Promise<void> {
  const before = chat.seen.split("The server answered").length;
  chat.type("/ping\r");
  await eventually(() => chat.seen.split("The server answered").length > before, () => chat.seen);
}

test("a message that arrives with no one present is read when the person presses a key", async (present) => {
  const { chat, time } = present;
  await time.advance(minute);
  chat.receive("ben", "are you there?");
  await chat.sees("ben: are you there?\n");
  await time.advance(minute);
  assert.deepEqual(readTold(chat), [3]);
  chat.type("x");
  await readIs(present, 4);
});

test("a message that arrives without the focus is read when the focus comes back", async (present) => {
  const { chat, time } = present;
  chat.type(`x${focus.lost}`);
  await chat.isIn("ben", "x");
  chat.receive("ben", "are you there?");
  await chat.sees("ben: are you there?\n");
  await time.advance(minute);
  assert.deepEqual(readTold(chat), [3]);
  chat.type(focus.gained);
  await readIs(present, 4);
});

test("a message before the eyes of a person is read at once", async (present) => {
  const { chat } = present;
  chat.type("x");
  await chat.isIn("ben", "x");
  chat.receive("ben", "there you are");
  await readIs(present, 4);
});

test("reports of the focus never reach the draft", async ({ chat }) => {
  chat.type(`a${focus.lost}b${focus.gained}c`);
  await chat.isIn("ben", "abc");
});

test("a person is away by absence, and back by a key; /away lasts until /back", async ({ chat, time }) => {
  await time.advance(6 * minute);
  await eventually(() => awayTold(chat).length === 1, () => `${awayTold(chat)}`);
  chat.type("x\x15");
  await eventually(() => awayTold(chat).length === 2, () => `${awayTold(chat)}`);
  chat.type("/away\r");
  await chat.sees("Others see you as away, until /back.");
  await time.advance(20 * minute);
  await ping(chat);
  assert.deepEqual(awayTold(chat), [true, false, true]);
  chat.type("/back\r");
  await chat.sees("Others see you as online.");
  assert.deepEqual(awayTold(chat), [true, false, true, false]);
});

test("the second message within two seconds is told too", async ({ chat, time }) => {
  chat.receive("cat", "first");
  await eventually(() => chat.terminal.bells === 1, () => `${chat.terminal.bells} bells`);
  chat.receive("cat", "second");
  await ping(chat);
  assert.equal(chat.terminal.bells, 1);
  await time.advance(2_000);
  await eventually(() => chat.terminal.bells === 2, () => `${chat.terminal.bells} bells`);
});

Deno.test("the line of unread messages stands where the person left, until they have seen them", async () => {
  const time = new ManualTimers();
  await chatting({ face: "full screen", to: "ben", server: serverWithHistory(3), timers: time }, async (chat) => {
    const present = { chat, time };
    await chat.isIn("ben");
    await readIs(present, 3);
    await time.advance(minute);
    chat.receive("ben", "one");
    chat.receive("ben", "two");
    await chat.sees(/news 3\.\n[^]*─── unread ─+\n[^\n]*ben: one\n[^\n]*ben: two\n/);
    await chat.sees(/^>1.ben +2│/m);
    chat.type("x");
    await readIs(present, 5);
    await chat.sees(/^>1.ben +│/m);
    await time.advance(minute);
    chat.receive("ben", "three");
    await chat.sees(/ben: two\n[^\n]*─── unread ─+\n[^\n]*ben: three\n/);
  });
});

Deno.test("who is away is shown in the list, beside the status and by /users", async () => {
  await chatting({ face: "full screen", to: "ben", server: serverWithHistory(3) }, async (chat) => {
    await chat.isIn("ben");
    const tell = (state: PresenceState) => {
      const value = { user: "ben", online: true, state };
      for (const session of chat.server.sessions) session.tell({ $case: "presence", value });
    };
    tell(PresenceState.ONLINE);
    await chat.sees(/^>1•ben/m);
    tell(PresenceState.AWAY);
    await chat.sees(/^>1◦ben/m);
    await chat.sees(/\| ben is away/);
    chat.server.awayUsers.add("ana");
    chat.type("/users\r");
    await chat.sees(/Online: none\n[^\n]*Away: ana\n[^\n]*Offline: ben, cat/);
    chat.type("/away\r");
    await chat.sees(/^ ana \(away\) \| online/m);
    chat.type("/back\r");
    await chat.sees(/^ ana \| online/m);
  });
});

Deno.test("unread counts on the screen follow deletions and edits", async () => {
  await chatting({ face: "full screen", to: "ben", server: serverWithHistory(3) }, async (chat) => {
    await chat.isIn("ben");
    const { server } = chat;
    const change = ($case: "deleted" | "edited", seq: number, text = "") => {
      const entry = server.append("cat", "ana", text);
      entry.event = { kind: { $case, value: { seq } } };
      if (text.includes("@ana")) entry.naming = Naming.NEW;
      server.deliverAll();
    };
    chat.receive("cat", "one");
    chat.receive("cat", "two");
    await chat.sees(/^ 1.cat +2│/m);
    change("deleted", 2);
    await chat.sees(/^ [12].cat +1│/m);
    change("edited", 3, "two, @ana");
    await chat.sees(/^ [12].cat +@1│/m);
    change("edited", 3, "two");
    await chat.sees(/^ [12].cat +1│/m);
  });
});

Deno.test("a room that was joined by invitation counts unread messages, and Alt-A goes there", async () => {
  const server = serverWithHistory(3);
  server.roomsOf = () => [wireRoom({ role: Role.INVITED, invitedBy: "ben", position: 2 ** 50 })];
  await chatting({ face: "full screen", to: "ben", server }, async (chat) => {
    await chat.isIn("ben");
    await chat.sees(/^ 1 #ops\+k2k +invited│/m);
    server.roomsOf = () => [wireRoom({ position: server.head })];
    const value = { revision: 7, conversation: roomId };
    for (const session of server.sessions) session.tell({ $case: "stateChanged", value });
    await eventually(() => !/invited│/.test(chat.seen), () => chat.seen);
    chat.receive("ben", "welcome", roomId);
    await chat.sees(/^ 1 #ops\+k2k +1│/m);
    chat.receive("ben", "over here");
    await chat.sees(/^>1 ben/m);
    chat.type("\x1ba");
    await chat.isIn("#ops+k2k");
  });
});

Deno.test("alerts pass through tmux, which passes on the bell by itself", async () => {
  const setup = { face: "full screen", to: "ben", saved: { notify: "osc9" }, multiplexer: "tmux" } as const;
  await chatting({ ...setup, server: serverWithHistory(3) }, async (chat) => {
    await chat.isIn("ben");
    chat.receive("cat", "look");
    await eventually(
      () => chat.terminal.written.includes("\x07\x1bPtmux;\x1b\x1b]9;cat: look\x1b\x1b\\\x1b\\"),
      () => JSON.stringify(chat.terminal.written.slice(-500)),
    );
  });
});

test("the terminal reports its focus while the chat has it, and not afterwards", async ({ chat }) => {
  assert.equal(chat.terminal.reportsFocus, true);
  chat.terminal.hangUp();
  await chat.running;
  assert.equal(chat.terminal.reportsFocus, false);
});
