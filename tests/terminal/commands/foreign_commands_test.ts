/** Commands that people know from other chat programs work, or say which command does the same. */
import assert from "node:assert/strict";
import { chatting, faceNames, serverWithHistory } from "../../support/servers/chat_at_terminal.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { aliases, hints } from "../../../src/terminal/commands/foreign_commands.ts";
import { completeCommand } from "../../../src/terminal/commands/command_table.ts";

const answers: readonly (readonly [string, string])[] = [
  ["/nick Ana", "There is no command /nick. Your account name cannot be changed. /set name TEXT sets a display name"],
  ["/whois ben", "There is no command /whois. /users lists all users"],
  ["/mute ben", "There is no command /mute. /set level #ROOM none"],
  ["/op ben", "There is no command /op. /role NAME moderator"],
  ["/deop ben", "/role NAME member takes that back"],
  ["/shrug", "Type :shrug: and Tab"],
  ["/status at lunch", "/set status TEXT sets the status"],
  ["/rename plans", "/room name NAME renames a room"],
  ["/dnd", "/set notify off stops notifications"],
  ["/mode +o", "/room changes settings of a room"],
  ["/connect chat.example", "Enter in an empty line connects again"],
  ["/disconnect", "/quit ends the session"],
  ["/query", "Usage: /to NAME"],
  ["/j", "Usage: /join #ROOM"],
  ["/dm", "Usage: /msg NAME TEXT"],
  ["/w ben", "/to goes there without a message"],
  ["/kick", "Usage: /remove NAME"],
  ["/ban", "Usage: /ban NAME"],
  ["/ignore ben ben", "Usage: /block NAME"],
  ["/names", "This conversation is not a room."],
  ["/who", "This conversation is not a room."],
  ["/topic", "This conversation is not a room."],
  ["/part", "This conversation is not a room."],
  ["/find", "Usage: /search WORDS"],
  ["/goto", "Usage: /jump [NAME] N"],
  ["/help nick", "/set name TEXT sets a display name"],
  ["/help history", "/history [NAME] [N or DATE]"],
  ["/help jump", "Also: /goto"],
  ["/help clear", "nothing is deleted"],
];

/** The text of a screen, without breaks of rows. */
function joined(screen: string): string {
  return screen.replace(/\n[^\n│]*│ +| *\n */g, " ").replace(/ {2,}/g, " ");
}

for (const face of faceNames) {
  Deno.test(`commands of other chat programs work or name the one that does (${face})`, async () => {
    await chatting({ face, server: serverWithHistory(), to: "ben", rows: 200 }, async (chat) => {
      await chat.isIn("ben");
      for (const [command, answer] of answers) {
        chat.type(`${command}\r/ping\r`);
        await eventually(() => chat.screen.includes("The server answered in"), () => chat.screen);
        assert.ok(joined(chat.screen).includes(answer), `${command}: ${answer} in\n${chat.screen}`);
        chat.type("/clear\r");
        await eventually(() => !chat.screen.includes("The server answered in"), () => chat.screen);
      }
    });
  });

  Deno.test(`the short names for sending, joining and leaving work (${face})`, async () => {
    await chatting({ face, server: serverWithHistory(), to: "ben" }, async (chat) => {
      await chat.isIn("ben");
      for (const [name, text] of [["w", "whispered"], ["m", "short"], ["dm", "direct"], ["tell", "told"]]) {
        chat.type(`/${name} cat ${text}\r`);
        await chat.sees(`ana: ${text}`);
        await chat.isIn("cat");
      }
      chat.type("/q\r");
      assert.equal(await chat.running, undefined);
    });
  });
}

Deno.test("a name of another program stands for a command that exists, and a hint names one", () => {
  for (const [alias, command] of Object.entries(aliases)) {
    assert.deepEqual(completeCommand(`/${command}`, []).includes(`/${command} `), true, alias);
    assert.deepEqual(completeCommand(`/${alias}`, []).includes(`/${alias} `), false, `${alias} is a command itself`);
  }
  for (const [name, hint] of Object.entries(hints)) {
    assert.equal(completeCommand(`/${name}`, []).includes(`/${name} `), false, `${name} is a command itself`);
    for (const [, command] of hint.matchAll(/(?<=^|\s)\/(\w+)/g)) {
      assert.ok(completeCommand(`/${command}`, []).includes(`/${command} `), `${name}: /${command}`);
    }
  }
});
