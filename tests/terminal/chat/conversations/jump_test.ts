/** Going to a message, a day or a search result, and back. The same with every face. */
import assert from "node:assert/strict";
import type { FakeChatServer } from "../../../support/fakes/fake_chat_server.ts";
import {
  type ChatAtTerminal,
  type ChatSetup,
  chatting,
  faceNames,
  serverWithHistory,
} from "../../../support/servers/chat_at_terminal.ts";
import { isSent } from "../../../support/servers/three_conversations.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const altShiftJ = "\x1bJ";
const sizes = [{ columns: 120, rows: 40 }, { columns: 62, rows: 16 }];
const january = (day: number, hour = 12) => new Date(2026, 0, day, hour).getTime();

/** Tests a behaviour with every face: ana is with ben, who wrote 300 messages, and cat wrote 80. */
function test(behaviour: string, use: (chat: ChatAtTerminal) => Promise<void>, setup: Partial<ChatSetup> = {}): void {
  for (const face of faceNames) {
    Deno.test(`${behaviour} (${face})`, () =>
      chatting({ face, server: serverOfTwo(), to: "ben", ...sizes[0], ...setup }, async (chat) => {
        await chat.isIn("ben");
        await chat.sees("ben: news 300.");
        await use(chat);
      }));
  }
}

/** Messages 1 to 100 with ben are of January 10, 101 to 200 of January 20, and the others of today. */
function serverOfTwo(): FakeChatServer {
  const server = serverWithHistory(300);
  for (let i = 1; i <= 80; i++) server.append("cat", "ana", `meow ${i}.`);
  server.append("ben", "ana", "the newest of all");
  server.moveCursor("ana/", server.head);
  for (const message of server.log) {
    if (message.conversation !== "ana:ben" || message.seq > 200) continue;
    message.acceptedAtMs = january(message.seq <= 100 ? 10 : 20, message.seq === 1 ? 0 : 12);
  }
  return server;
}

for (const size of sizes) {
  test(`/jump N shows message N among its neighbours at ${size.columns}×${size.rows}`, async (chat) => {
    chat.type("/jump 60\r");
    await chat.sees(/59 ben: news 59\.\n[^\n]*60 ben: news 60\.\n[^\n]*61 ben: news 61\.\n/);
    await chat.isIn("ben");
  }, size);
}

test("/jump DATE shows the first message of a day in the time zone of this machine", async (chat) => {
  chat.type("/jump 2026-01-20\r");
  await chat.sees(/2026-01-20[^\n]*\n[^\n]*101 ben: news 101\.\n[^\n]*102 ben: news 102\.\n/);
});

test("/history DATE shows the messages from a day on, at midnight too", async (chat) => {
  chat.type("/history 2026-01-10\r");
  await chat.sees(/2026-01-10[^\n]*\n[^\n]*[^\d]1 ben: news 1\.\n[^\n]*2 ben: news 2\.\n/);
  chat.type("/history 2026-01-11\r");
  await chat.sees(/2026-01-20[^\n]*\n[^\n]*101 ben: news 101\.\n/);
});

test("/jump NAME N goes to the other conversation and its message, and Alt-Shift-J back", async (chat) => {
  chat.type("/jump cat 30\r");
  await chat.sees(/29 cat: meow 28\.\n[^\n]*30 cat: meow 29\.\n[^\n]*31 cat: meow 30\.\n/);
  await chat.isIn("cat");
  chat.type(altShiftJ);
  await chat.isIn("ben");
  await chat.sees(/300 ben: news 300\.\n[^\n]*301 ben: the newest of all\n/);
});

test("the conversation of /jump is chosen at once, and a line typed meanwhile goes there", async (chat) => {
  chat.server.held = "history";
  chat.type("/jump cat 30\r");
  await chat.isIn("cat");
  await chat.sees("loading");
  chat.type("for cat\r");
  await isSent(chat, "for cat", "ana:cat");
  chat.server.release();
  await chat.sees("30 cat: meow 29.");
  await chat.isIn("cat");
});

test("a part of a log that comes after another choice is dropped", async (chat) => {
  chat.server.held = "history";
  chat.type("/jump cat 30\r");
  await chat.isIn("cat");
  chat.type("\x1b`for ben\r");
  await chat.isIn("ben");
  await isSent(chat, "for ben", "ana:ben");
  chat.server.release();
  await chat.sees("ana: for ben");
  await eventually(() => !chat.seen.includes("loading"), () => chat.seen);
  assert.doesNotMatch(chat.seen, /meow 29/);
  await chat.isIn("ben");
});

test("of two jumps, the later one counts, though its part comes first", async (chat) => {
  chat.server.held = "history";
  chat.type("/jump 20\r");
  await eventually(() => chat.server.waiting.length === 1, () => "the first part is asked for");
  const [first] = chat.server.waiting.splice(0);
  chat.server.held = undefined;
  chat.type("/jump cat 30\r");
  await chat.sees("30 cat: meow 29.");
  chat.server.held = undefined;
  first();
  chat.type("/ping\r");
  await chat.sees("The server answered in");
  assert.doesNotMatch(chat.seen, /[^\d]20 ben: news 20\./);
  await chat.isIn("cat");
});

test("/jump counts in the conversation that it was entered in, and does not take the person back", async (chat) => {
  chat.server.held = "search";
  chat.type("/search nothing\r/jump 60\r");
  await chat.sees("60 ben: news 60.");
  chat.type("\x1b2");
  await chat.isIn("cat");
  chat.server.release();
  await chat.sees("No messages found.");
  await chat.isIn("cat");
});

test("results of a search have numbers, and /jump goes to one in its conversation", async (chat) => {
  chat.server.append("cat", "ana", "snow is coming");
  chat.server.append("ana", "ben", "cat says snow");
  chat.server.deliverAll();
  chat.type("/search snow\r");
  await chat.sees(/r1 82 \[cat\] cat: snow is coming\n[^\n]*r2 302 ana: cat says snow\n/);
  chat.type("/jump r1\r");
  await chat.isIn("cat");
  await chat.sees(/80 cat: meow 79\.\n[^\n]*81 cat: meow 80\.\n([^\n]*unread[^\n]*\n)?[^\n]*82 cat: snow is coming\n/);
  chat.type(altShiftJ);
  await chat.isIn("ben");
  await chat.sees(/r1 82 \[cat\] cat: snow is coming\n[^\n]*r2 302 ana: cat says snow\n/);
});

test("the results are there again after going to an old one of the same conversation and back", async (chat) => {
  chat.type("/search news 60.\r");
  await chat.sees(/r1 60 ben: news 60\.\n/);
  chat.type("/jump r1\r");
  await chat.sees(/\D59 ben: news 59\.\n[^\n]*\D60 ben: news 60\.\n/);
  chat.type(`${altShiftJ}\r`);
  await chat.sees(/r1 60 ben: news 60\.\n/);
});

test("lists of own messages have numbers, too", async (chat) => {
  chat.type("/sent\r");
  await chat.sees(/r1 1 \[cat\] ana: old news\n/);
  chat.type("/jump r1\r");
  await chat.isIn("cat");
  await chat.sees(/[^r]1 ana: old news\n[^\n]*2 cat: meow 1\.\n/);
});

test("several jumps lead back one by one, through both conversations", async (chat) => {
  chat.type("/jump 250\r");
  await chat.sees(/\D250 ben: news 250\.\n/);
  chat.type("/jump 60\r");
  await chat.sees(/\D60 ben: news 60\.\n/);
  chat.type("/jump cat 30\r");
  await chat.sees("30 cat: meow 29.");
  chat.type("\x0c" + altShiftJ);
  await chat.isIn("ben");
  await chat.sees(/\D60 ben: news 60\.\n/);
  chat.type("\x0c" + altShiftJ);
  await chat.sees(/\D250 ben: news 250\.\n/);
  await chat.isIn("ben");
  // There is no place before the first one.
  chat.type(altShiftJ + altShiftJ + "\rdraft");
  await chat.isIn("ben", "draft");
});

test("an unread message that a jump passes over stays unread, until Enter shows the newest", async (chat) => {
  const read = () => chat.requests("read").filter(({ with: other }) => other === "cat").map(({ seq }) => seq);
  chat.type("/jump cat 30\r");
  await chat.sees("30 cat: meow 29.");
  chat.receive("cat", "while you read old ones");
  chat.type("/ping\r");
  await chat.sees("The server answered in");
  assert.deepEqual(read(), []);
  chat.type("\r");
  await chat.sees(/81 cat: meow 80\.\n([^\n]*unread[^\n]*\n)?[^\n]*82 cat: while you read old ones\n/);
  await eventually(() => read().at(-1) === 82, () => `${read()}`);
});

test("messages of a conversation that was seen before are not read while the part is on its way", async (chat) => {
  const read = () => chat.requests("read").filter(({ with: other }) => other === "ben").map(({ seq }) => seq);
  chat.type("\x1b2");
  await chat.isIn("cat");
  await chat.sees("81 cat: meow 80.");
  chat.receive("ben", "while you were with cat");
  await chat.sees(/ben +1│|while you were/);
  chat.server.held = "history";
  chat.type("/jump ben 60\r");
  await chat.isIn("ben");
  await chat.sees("loading");
  assert.ok(!read().includes(302), `${read()}`);
  chat.server.release();
  await chat.sees(/\D60 ben: news 60\.\n[^\n]*61 ben: news 61\.\n/);
  chat.type("/ping\r");
  await chat.sees("The server answered in");
  assert.ok(!read().includes(302), `${read()}`);
});

for (
  const [command, answer] of [
    ["/jump 999", "There is no message 999 with ben. The newest number is 301."],
    ["/jump cat 999", "There is no message 999 with cat. The newest number is 81."],
    ["/jump dan 1", "There is no message 1 with dan. There are no messages yet."],
    ["/jump", "Usage: /jump [NAME] N, /jump [NAME] DATE, or /jump rN"],
    ["/jump ben 1 2", "Usage: /jump [NAME] N"],
    ["/jump yesterday", '"yesterday" is neither the number of a message, such as 12, nor a date, such as 2026-01-31'],
    ["/jump 0", '"0" is neither the number of a message'],
    ["/jump 2026-02-31", '"2026-02-31" is not a date. Type a day, such as 2026-01-31, or a time'],
    ["/jump 2999-01-01", "2999-01-01 is in the future."],
    ["/history 2999-01-01", "2999-01-01 is in the future."],
    ["/history cat 2026-02-31", '"2026-02-31" is not a date.'],
    ["/jump r1", "There is no result r1. No search results are shown. Find messages with /search WORDS."],
  ]
) {
  test(`${command} says why it goes nowhere, in a sentence`, async (chat) => {
    chat.type(`${command}\r`);
    await eventually(() => joined(chat).includes(answer), () => `${answer} in\n${chat.seen}`);
  });
}

/** The text of the terminal, without breaks of rows. */
function joined({ seen }: ChatAtTerminal): string {
  return seen.replace(/\n[^\n│]*│ +| *\n */g, " ").replace(/ {2,}/g, " ");
}

test("a result beyond the last one is told with those that exist", async (chat) => {
  chat.type("/search news 60.\r");
  await chat.sees(/r1 60 ben/);
  chat.type("/jump r5\r");
  await chat.sees("There is no result r5. The last search has one result, r1.");
});

test("a message that is not kept any more is told with the first one that is", async (chat) => {
  chat.server.keptFrom = 100;
  chat.type("/jump 50\r");
  await chat.sees("There is no message 50 with ben. The first that is kept is 100.");
});

test("a number that belongs to a change is no message", async (chat) => {
  const { server } = chat;
  const edit = { kind: { $case: "edited" as const, value: { seq: 300 } } };
  Object.assign(server.append("ben", "ana", "news 300, corrected"), { event: edit });
  server.append("ben", "ana", "after the change");
  server.deliverAll();
  await chat.sees("after the change");
  chat.type("/jump 302\r");
  await chat.sees("There is no message 302 with ben.");
});

test("a date after the newest message is told", async (chat) => {
  for (const message of chat.server.log) message.acceptedAtMs = january(10);
  chat.type("/jump 2026-02-01\r");
  await chat.sees("There is no message with ben since 2026-02-01.");
});

test("a jump to a conversation without that message shows its newest ones", async (chat) => {
  chat.type("/jump cat 999\r");
  await chat.sees("There is no message 999 with cat.");
  await chat.sees("81 cat: meow 80.");
  await chat.isIn("cat");
});

test("a jump while there is no connection says so, and the conversation is loaded over the next one", async (chat) => {
  await chat.disconnect();
  chat.type("/jump cat 30\r");
  await chat.sees(/Not connected[^]*\n\[[^\n]*cat[^\n]*$/);
  await chat.reconnect();
  await chat.isIn("cat");
  await chat.sees("81 cat: meow 80.");
});

test("messages that fill a page before their number comes are passed over", async (chat) => {
  const { server } = chat;
  server.maxPage = 3;
  chat.type("/jump 60\r");
  await chat.sees(/\D60 ben: news 60\.\n[^\n]*61 ben: news 61\.\n/);
});

test("Tab completes names and the last days after /jump and /history", async (chat) => {
  const now = new Date();
  const [month, day] = [now.getMonth() + 1, now.getDate()].map((number) => String(number).padStart(2, "0"));
  chat.type("/jump c\t");
  await chat.isIn("ben", "/jump cat");
  chat.type(`\x15/history ben ${now.getFullYear()}-\t`);
  await chat.sees(`${now.getFullYear()}-${month}-${day}`);
});

test("/clear clears the screen, deletes nothing, and new messages are shown", async (chat) => {
  chat.type("/clear\r");
  await eventually(() => !/ben: news 300\.\n[^]*\[[^\]]*\][^\n]*$/.test(chat.screen), () => chat.screen);
  chat.receive("ben", "after the clearing");
  await chat.sees("ben: after the clearing");
  assert.doesNotMatch(chat.screen, /news 299/);
  chat.type("/history 3\r");
  await chat.sees(/300 ben: news 300\.\n/);
  assert.equal(chat.requests("delete").length, 0);
});
