import { nameToEmoji } from "gemoji";
import { canonicalEmoji } from "../../core/messages/emoji.ts";
import type { MentionAudience } from "../../core/messages/mentions.ts";
import { completeCommand } from "./command_table.ts";

export interface CompletionWords {
  /** Names of users, and of rooms as "#name". */
  readonly names: Iterable<string>;
  /** The words after "@" that name many members at once, as far as the person may use them. */
  readonly audiences: readonly MentionAudience[];
}

/** Completes the text before the cursor: a command or its name, else a name or the short name of an emoji. */
export function complete(before: string, { names, audiences }: CompletionWords): string[] {
  const commands = completeCommand(before, names);
  if (commands.length > 0) return commands;
  const [, start, word] = /^([^]*?)(\S*)$/.exec(before)!;
  if (/^:(?:[\w+-]{2,}:?|[\w+-]:)$/.test(word)) return emoji(word).map((each) => start + each);
  const at = word.startsWith("@") ? "@" : "";
  const part = word.slice(at.length);
  if (part === "" && at === "") return [];
  const known = at === "" ? [...names] : [...[...names].filter((name) => !name.startsWith("#")), ...audiences];
  return known.filter((name) => name.startsWith(part)).map((name) => `${start}${at}${name} `);
}

/** The emoji itself if only one matches, else the short names. */
function emoji(word: string): string[] {
  const typed = word.slice(1).replace(/:$/, "");
  const isWhole = word.endsWith(":") && word.length > 1;
  const found = Object.keys(nameToEmoji).filter((name) => isWhole ? name === typed : name.startsWith(typed));
  if (found.length === 1) return [`${canonicalEmoji(nameToEmoji[found[0]])} `];
  return found.sort().map((name) => `:${name}:`);
}
