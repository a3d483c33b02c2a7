import { findSimilar } from "@optique/core/suggestion";
import { ChatError } from "../../core/chat_error.ts";
import { accountCommands } from "./account_commands.ts";
import type { KeyHelp } from "../input/key_help.ts";
import type { ConversationRef } from "../chat/conversation_ref.ts";
import type { CommandContext, Commands } from "./command.ts";
import { conversationCommands } from "./conversation_commands.ts";
import { fileCommands } from "./file_commands.ts";
import { messageCommands } from "./message_commands.ts";
import { completePath } from "./path_completion.ts";
import { peopleCommands } from "./people_commands.ts";
import { roomCommands } from "./room_commands.ts";

const commands: Commands = {
  help: {
    arguments: "",
    summary: "Show this list",
    run: ({ print, keys }) => print(helpLines(keys)),
  },
  ...conversationCommands,
  ...messageCommands,
  ...fileCommands,
  ...roomCommands,
  ...peopleCommands,
  ...accountCommands,
  ping: {
    arguments: "",
    summary: "Measure how long the server takes to answer",
    async run({ client, print }) {
      await print([`The server answered in ${(await client.ping()).toFixed(1)} ms.`]);
    },
  },
  quit: {
    arguments: "",
    summary: "Quit, like Ctrl-D",
    run: ({ leave }) => leave(),
  },
};

/** Runs "/name arguments". @throws {ChatError} of the command or of the server */
export async function runCommand(
  { line, place }: { line: string; place: ConversationRef | undefined },
  context: CommandContext,
): Promise<void> {
  const [, word, text] = /^\/(\S*)\s?([^]*)$/.exec(line)!;
  const words = text.split(/\s+/).filter(Boolean);
  if (Object.hasOwn(commands, word)) return await commands[word].run(context, { words, text, typed: line, place });
  const similar = findSimilar(word, Object.keys(commands), { maxDistance: 3, maxSuggestions: 1 })
    .map((name) => ` Did you mean /${name}?`).join("");
  throw new ChatError(
    "invalid_argument",
    `There is no command /${word}.${similar} /help lists them; //${word} sends "/${word}" as a message.`,
  );
}

/** Completes `before` to commands and, after one that takes a name or a path, to names or paths. */
export function completeCommand(before: string, names: Iterable<string>): string[] {
  if (/^\/\w*$/.test(before)) {
    return Object.keys(commands).map((name) => `/${name} `).filter((command) => command.startsWith(before));
  }
  const [start, word] = /^\/(\w+)\s+/.exec(before) ?? [];
  if (start === undefined || !Object.hasOwn(commands, word)) return [];
  const { takesName, wordsBeforePath } = commands[word];
  if (wordsBeforePath !== undefined) {
    const head = new RegExp(`^/\\w+\\s+(?:\\S+\\s+){${wordsBeforePath}}`).exec(before)?.[0];
    return head === undefined ? [] : completePath(before.slice(head.length)).map((path) => head + path);
  }
  if (!takesName) return [];
  return [...names].map((name) => `${start}${name}`).filter((whole) => whole.startsWith(before));
}

function helpLines(keys: readonly KeyHelp[]): string[] {
  const rows = [
    ...Object.entries(commands).map(([name, command]) => [`/${name} ${command.arguments}`, command.summary]),
    ["//text", "Send a message that begins with a slash"],
    ...keys,
  ];
  return rows.map(([usage, summary]) => `  ${usage.padEnd(28)} ${summary}`);
}
