import { findSimilar } from "@optique/core/suggestion";
import { ChatError } from "../../core/chat_error.ts";
import { accountCommands } from "./account_commands.ts";
import type { CommandContext, Commands } from "./command.ts";
import { fileCommands } from "./file_commands.ts";
import { messageCommands } from "./message_commands.ts";
import { peopleCommands } from "./people_commands.ts";
import { roomCommands } from "./room_commands.ts";

const commands: Commands = {
  help: {
    arguments: "",
    summary: "This list",
    run: ({ print, screen }) => print(screen === undefined ? helpLines() : [...helpLines(), ...screenKeyLines()]),
  },
  ...messageCommands,
  ...fileCommands,
  ...roomCommands,
  ...peopleCommands,
  ...accountCommands,
  ping: {
    arguments: "",
    summary: "How long the server takes to answer",
    async run({ client, print }) {
      await print([`The server answered in ${(await client.ping()).toFixed(1)} ms.`]);
    },
  },
  quit: {
    arguments: "",
    summary: "Leave chatd; so does Ctrl-D",
    run: ({ leave }) => leave(),
  },
};

/** Runs "/name arguments". @throws {ChatError} that says what was wrong with it, or what the server said. */
export async function runCommand(line: string, context: CommandContext): Promise<void> {
  const [, word, text] = /^\/(\S*)\s?([^]*)$/.exec(line)!;
  const words = text.split(/\s+/).filter(Boolean);
  if (Object.hasOwn(commands, word)) return await commands[word].run(context, { words, text, typed: line });
  const similar = findSimilar(word, Object.keys(commands), { maxDistance: 3, maxSuggestions: 1 })
    .map((name) => ` Did you mean /${name}?`).join("");
  throw new ChatError(
    "invalid_argument",
    `There is no command /${word}.${similar} /help lists them; //${word} sends "/${word}" as a message.`,
  );
}

/** What may stand instead of `before`: commands and, after one that takes a name, names. */
export function completeCommand(before: string, names: Iterable<string>): string[] {
  if (/^\/\w*$/.test(before)) {
    return Object.keys(commands).map((name) => `/${name} `).filter((command) => command.startsWith(before));
  }
  const [start, word] = /^\/(\w+)\s+/.exec(before) ?? [];
  if (start === undefined || !Object.hasOwn(commands, word) || !commands[word].takesName) return [];
  return [...names].map((name) => `${start}${name}`).filter((whole) => whole.startsWith(before));
}

function screenKeyLines(): string[] {
  const keys = [
    ["PgUp, PgDn", "Older and newer messages; Ctrl-Home, Ctrl-End: the oldest loaded, the newest"],
    ["Alt-A, Alt-1 … Alt-9", "The next conversation with unread messages; one of the list"],
    ["Tab", "Complete a command, a name, a room, or :emoji"],
    ["Ctrl-R", "Search in what you sent"],
    ["Ctrl-A, Ctrl-E", "Begin and end of the line; Alt-B, Alt-F: a word back and forth"],
    ["Ctrl-U, Ctrl-K, Ctrl-W", "Cut before the cursor, after it, a word; Ctrl-Y pastes it"],
    ["Ctrl-L, Ctrl-Z", "Draw everything again; back to the shell, until fg"],
    ["\\ at the end", "A new line, as with Alt-Enter"],
  ];
  return keys.map(([key, meaning]) => `  ${key.padEnd(28)} ${meaning}`);
}

function helpLines(): string[] {
  const rows = Object.entries(commands).map(([name, command]) => [`/${name} ${command.arguments}`, command.summary]);
  rows.push(["//text", "Send a message that begins with a slash"]);
  rows.push(["Alt-Enter", "A new line within the message; pasted lines are one message as well"]);
  return rows.map(([usage, summary]) => `  ${usage.padEnd(28)} ${summary}`);
}
