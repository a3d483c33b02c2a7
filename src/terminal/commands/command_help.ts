import { ChatError } from "../../core/chat_error.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import type { KeyHelp } from "../input/key_help.ts";
import type { Commands } from "./command.ts";

export interface HelpTopics {
  readonly commands: Commands;
  /** By another name of a command, its name. */
  readonly aliases: Readonly<Record<string, string>>;
  /** By the name of a command of other programs, the commands that do the same. */
  readonly hints: Readonly<Record<string, string>>;
  readonly keys: readonly KeyHelp[];
}

/** Lines about all commands and keys. */
export function allHelp({ commands, keys }: HelpTopics): string[] {
  return table([
    ...commandRows(commands),
    ["//text", "Send a message that begins with a slash"],
    ...keys,
  ]);
}

/** Lines about one command; for another word, about the commands and keys that contain it. @throws {ChatError} */
export function helpOn(word: string, { commands, aliases, hints, keys }: HelpTopics): string[] {
  const name = word.replace(/^\//, "").toLowerCase();
  const target = Object.hasOwn(aliases, name) ? aliases[name] : name;
  if (Object.hasOwn(commands, target)) {
    const others = Object.keys(aliases).filter((alias) => aliases[alias] === target).map((alias) => `/${alias}`);
    return [
      ...table(commandRows({ [target]: commands[target] })),
      ...(others.length > 0 ? [`  Also: ${others.join(", ")}`] : []),
    ];
  }
  if (Object.hasOwn(hints, name)) return [`  There is no command /${name}. ${hints[name]}`];
  const rows = [...commandRows(commands), ...keys].filter((row) =>
    row.some((cell) => cell.toLowerCase().includes(name))
  );
  if (rows.length > 0) return table(rows);
  throw new ChatError("invalid_argument", `Nothing in /help contains "${sanitizeLine(word)}".`);
}

function commandRows(commands: Commands): KeyHelp[] {
  return Object.entries(commands).map((
    [name, command],
  ) => [`/${name} ${command.arguments}`.trimEnd(), command.summary]);
}

function table(rows: readonly KeyHelp[]): string[] {
  return rows.map(([usage, summary]) => `  ${usage.padEnd(28)} ${summary}`);
}
