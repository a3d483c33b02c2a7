import { findSimilar } from "@optique/core/suggestion";
import { ChatError } from "../../core/chat_error.ts";
import { accountCommands } from "./account_commands.ts";
import type { ConversationRef } from "../chat/conversations/conversation_ref.ts";
import { type CommandContext, type Commands, type Jump, only } from "./command.ts";
import { allHelp, helpOn } from "./command_help.ts";
import { conversationCommands } from "./conversation_commands.ts";
import { aliases, hints } from "./foreign_commands.ts";
import { fileCommands } from "./file_commands.ts";
import { jumpCommands } from "./jump_commands.ts";
import { lastDays } from "./log_places.ts";
import { messageCommands } from "./message_commands.ts";
import { completePath } from "./path_completion.ts";
import { peopleCommands } from "./people_commands.ts";
import { roomCommands } from "./room_commands.ts";

const commands: Commands = {
  help: {
    arguments: "[WORD]",
    summary: "List commands and keys: all, one, or those that contain a word",
    run({ print, keys }, { words }) {
      const topics = { commands, aliases, hints, keys };
      return print(words.length === 0 ? allHelp(topics) : helpOn(only(words, "/help [WORD]"), topics));
    },
  },
  ...conversationCommands,
  ...jumpCommands,
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
  const { word, words, text } = parse(line);
  if (Object.hasOwn(commands, word)) return await commands[word].run(context, { words, text, typed: line, place });
  if (Object.hasOwn(hints, word)) {
    throw new ChatError("invalid_argument", `There is no command /${word}. ${hints[word]}`);
  }
  const similar = findSimilar(word, Object.keys(commands), { maxDistance: 3, maxSuggestions: 1 })
    .map((name) => ` Did you mean /${name}?`).join("");
  throw new ChatError(
    "invalid_argument",
    `There is no command /${word}.${similar} /help lists them; //${word} sends "/${word}" as a message.`,
  );
}

/** The conversation that a command goes to as soon as it is entered. */
export interface Destination {
  readonly kind: "conversation";
  /** As the person typed it. */
  readonly address: string;
  /** Set where it is no conversation of the person before the command has run. */
  readonly opened?: "joined" | "created";
}

/** Returns the destination of "/name arguments"; undefined when it goes nowhere. */
export function destinationOf(line: string): Destination | Jump | undefined {
  const { word, words, text } = parse(line);
  if (!Object.hasOwn(commands, word)) return undefined;
  const { destination, opensDestination: opened, jump } = commands[word];
  const address = destination?.({ words, text });
  if (address === undefined) return jump?.(words);
  return { kind: "conversation", address, ...(opened && { opened }) };
}

function parse(line: string): { word: string; words: string[]; text: string } {
  const [, typed, text] = /^\/(\S*)\s?([^]*)$/.exec(line)!;
  const word = Object.hasOwn(aliases, typed) ? aliases[typed] : typed;
  return { word, words: text.split(/\s+/).filter(Boolean), text };
}

/** Completes `before` to commands and, after one that takes a name, a day or a path, to these. */
export function completeCommand(before: string, names: Iterable<string>): string[] {
  if (/^\/\w*$/.test(before)) {
    return Object.keys(commands).map((name) => `/${name} `).filter((command) => command.startsWith(before));
  }
  const [start, typed] = /^\/(\w+)\s+/.exec(before) ?? [];
  if (start === undefined) return [];
  const word = Object.hasOwn(aliases, typed) ? aliases[typed] : typed;
  if (!Object.hasOwn(commands, word)) return [];
  const { takesName, takesDay, wordsBeforePath } = commands[word];
  if (wordsBeforePath !== undefined) {
    const head = new RegExp(`^/\\w+\\s+(?:\\S+\\s+){${wordsBeforePath}}`).exec(before)?.[0];
    return head === undefined ? [] : completePath(before.slice(head.length)).map((path) => head + path);
  }
  const [, head, part] = /^([^]*\s)(\S*)$/.exec(before)!;
  const days = takesDay && part !== "" ? lastDays().map((day) => head + day) : [];
  const candidates = takesName ? [...names].map((name) => `${start}${name}`) : [];
  return [...candidates, ...days].filter((whole) => whole.startsWith(before));
}
