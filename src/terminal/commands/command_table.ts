import { findSimilar } from "@optique/core/suggestion";
import { ChatError } from "../../core/chat_error.ts";
import { accountCommands } from "./account_commands.ts";
import type { ConversationRef } from "../chat/conversations/conversation_ref.ts";
import { type CommandContext, type Commands, only } from "./command.ts";
import { allHelp, helpOn } from "./command_help.ts";
import { conversationCommands } from "./conversation_commands.ts";
import { fileCommands } from "./file_commands.ts";
import { messageCommands } from "./message_commands.ts";
import { completePath } from "./path_completion.ts";
import { peopleCommands } from "./people_commands.ts";
import { roomCommands } from "./room_commands.ts";

const commands: Commands = {
  help: {
    arguments: "[WORD]",
    summary: "List commands and keys: all, one, or those that contain a word",
    run({ print, keys }, { words }) {
      const topics = { commands, aliases, keys };
      return print(words.length === 0 ? allHelp(topics) : helpOn(only(words, "/help [WORD]"), topics));
    },
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

/** The names that other chat programs have for commands. */
const aliases: Readonly<Record<string, string>> = {
  exit: "quit",
  ignore: "block",
  kick: "remove",
  list: "rooms",
  names: "who",
  part: "leave",
  query: "to",
  unignore: "unblock",
};

/** Runs "/name arguments". @throws {ChatError} of the command or of the server */
export async function runCommand(
  { line, place }: { line: string; place: ConversationRef | undefined },
  context: CommandContext,
): Promise<void> {
  const { word, words, text } = parse(line);
  if (Object.hasOwn(commands, word)) return await commands[word].run(context, { words, text, typed: line, place });
  const similar = findSimilar(word, Object.keys(commands), { maxDistance: 3, maxSuggestions: 1 })
    .map((name) => ` Did you mean /${name}?`).join("");
  throw new ChatError(
    "invalid_argument",
    `There is no command /${word}.${similar} /help lists them; //${word} sends "/${word}" as a message.`,
  );
}

/** The conversation that a command goes to as soon as it is entered. */
export interface Destination {
  /** As the person typed it. */
  readonly address: string;
  /** Set where it is no conversation of the person before the command has run. */
  readonly opened?: "joined" | "created";
}

/** Returns the destination of "/name arguments"; undefined when it goes nowhere. */
export function destinationOf(line: string): Destination | undefined {
  const { word, words, text } = parse(line);
  if (!Object.hasOwn(commands, word)) return undefined;
  const { destination, opensDestination: opened } = commands[word];
  const address = destination?.({ words, text });
  return address === undefined ? undefined : { address, ...(opened && { opened }) };
}

function parse(line: string): { word: string; words: string[]; text: string } {
  const [, typed, text] = /^\/(\S*)\s?([^]*)$/.exec(line)!;
  const word = Object.hasOwn(aliases, typed) ? aliases[typed] : typed;
  return { word, words: text.split(/\s+/).filter(Boolean), text };
}

/** Completes `before` to commands and, after one that takes a name or a path, to names or paths. */
export function completeCommand(before: string, names: Iterable<string>): string[] {
  if (/^\/\w*$/.test(before)) {
    return Object.keys(commands).map((name) => `/${name} `).filter((command) => command.startsWith(before));
  }
  const [start, typed] = /^\/(\w+)\s+/.exec(before) ?? [];
  if (start === undefined) return [];
  const word = Object.hasOwn(aliases, typed) ? aliases[typed] : typed;
  if (!Object.hasOwn(commands, word)) return [];
  const { takesName, wordsBeforePath } = commands[word];
  if (wordsBeforePath !== undefined) {
    const head = new RegExp(`^/\\w+\\s+(?:\\S+\\s+){${wordsBeforePath}}`).exec(before)?.[0];
    return head === undefined ? [] : completePath(before.slice(head.length)).map((path) => head + path);
  }
  if (!takesName) return [];
  return [...names].map((name) => `${start}${name}`).filter((whole) => whole.startsWith(before));
}
