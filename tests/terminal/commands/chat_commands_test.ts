/** Slash commands as a person types them, the same with every face. */
import assert from "node:assert/strict";
import { serverWithHistory, testWithFaces as test } from "../../support/servers/chat_at_terminal.ts";
import { fakePassword } from "../../support/fakes/fake_session.ts";

test("/me sends a text in italics", () => ({ server: serverWithHistory(), to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.type("/me waves\r");
  await chat.sees(/ana: _?waves_?/);
  assert.equal(chat.server.log.at(-1)!.text, "_waves_");
});

test("commands do as they say", () => ({ server: serverWithHistory(), to: "ben", rows: 120 }), async (chat) => {
  const answers: [string, string | RegExp][] = [
    ["/help", "/history [NAME] [N or DATE]"],
    ["/help", /Ctrl-U, Ctrl-K, Ctrl-W/],
    ["/help reply", / {2}\/reply N TEXT +Reply to message N/],
    ["/help /part", /\/leave \[#ROOM\] [^]*Also: \/part/],
    ["/help BAN", "/ban NAME"],
    ["/help banned", "/unban NAME"],
    ["/help xyzzy", 'Nothing in /help contains "xyzzy".'],
    ["/query", "Usage: /to NAME"],
    ["/me", "Usage: /me TEXT"],
    ["/users", /Online: ana\n[^\n]*Offline: ben, cat/],
    ["/whoami", 'You are ana on device "a terminal" (device-1).'],
    ["/set name Ana   López", "  name Ana   López"],
    ["/set status at lunch", "  status at lunch"],
    ["/whoami", 'You are ana · Ana   López — at lunch on device "a terminal" (device-1).'],
    ["/users", /Offline: ben, cat\n[^\n]*ana · Ana {3}López — at lunch\n/],
    ["/set name -", "  name -: others see your account name alone"],
    ["/set name", "Usage: /set receipts on|off"],
    ["/ping", /The server answered in \d+\.\d ms\./],
    ["/history 2", /24 ben: news 24\.\n[^\n]*25 ben: news 25\.\n/],
    ["/history cat", "[cat] ana: old news"],
    ["/sent 5", "ana: old news"],
    ["/search news", /Found \(for earlier matches[^]*25 ben: news/],
    ["/search snow", "No messages found."],
    ["/search", "Usage: /search WORDS"],
    ["//slashed", "ana: /slashed"],
    ["/hlep", "There is no command /hlep. Did you mean /help?"],
    ["/history ben 0", '"0" is not a number from 1 to 200.'],
    ["/to", "Usage: /to NAME"],
    ["/constructor", "There is no command /constructor."],
    ["/set notify on", "Desktop notifications are on"],
    ["/msg cat hi cat\rand again", /ana: hi cat\n[^]*ana: and again\n/],
  ];
  await chat.isIn("ben");
  for (const [command, expected] of answers) {
    chat.type(`\x0c${command}\r`);
    await chat.sees(expected);
  }
  assert.deepEqual(chat.server.log.slice(-2).map(({ conversation }) => conversation), ["ana:cat", "ana:cat"]);
  assert.equal(chat.saved.notify, "osc9");
  chat.type("/quit\r");
  assert.equal(await chat.running, undefined);
});

test("/deleteaccount wants the own name and the password, and then forgets the login", () => ({
  to: "ben",
}), async (chat) => {
  await chat.isIn("ben");
  chat.type("/deleteaccount ben\r");
  await chat.sees("type: /deleteaccount ana");
  chat.type("/deleteaccount ana\r");
  await chat.sees(/your name cannot be used again[^]*Password: ?$/);
  chat.type("wrong\r");
  await chat.sees("The password is wrong.");
  assert.deepEqual(chat.logins, []);
  chat.type("/deleteaccount ana\r");
  await chat.sees(/is wrong[^]*Password:$/);
  chat.type(`${fakePassword}\r`);
  assert.equal(await chat.running, undefined);
  assert.deepEqual(chat.logins, ["logged out"]);
  assert.match(chat.seen, /Your account is deleted\.$/);
});

test("/history tells that older messages are not kept", () => {
  const server = serverWithHistory();
  server.keptFrom = 24;
  return { server, to: "ben" };
}, async (chat) => {
  await chat.isIn("ben");
  chat.type("/history\r");
  await chat.sees(/\(Earlier messages are not kept\.\)\n[^]*24 ben: news 24\.\n[^\n]*25 ben: news 25\.\n/);
  chat.server.keptFrom = 26;
  chat.type("/history\r");
  await chat.sees("These messages are no longer kept.");
});
