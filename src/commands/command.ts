import { or } from "@optique/core/constructs";
import { message, text } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { command } from "@optique/core/primitives";
import { exitCode } from "./exit_code.ts";

/** What a command line asks for. */
export interface Invocation {
  /** "user add", say. */
  readonly command: string;
  readonly options: unknown;
  /** Loads the command's code and runs it. @returns the exit code */
  run(): Promise<number>;
  /** What to exit with when `run` fails with `error`. */
  exitCodeOf(error: unknown): number;
  /** It starts a server: when it fails, it ends even if the reason cannot be written. */
  readonly serves: boolean;
}

export interface CommandDefinition<Options> {
  /** "user add", say; what comes after the last space is matched here, the rest by who holds the command. */
  readonly name: string;
  /** One line, for the list of commands. */
  readonly brief: string;
  /** For the command's own help. */
  readonly description: string;
  /** Made only when the command may be the one that is asked for: for all commands together it takes longer than most of them run. */
  readonly options: () => Parser<"sync", Options, unknown>;
  /** A literal `import()`, so that nothing is loaded before it is needed. */
  readonly load: () => Promise<(options: Options) => Promise<number>>;
  /** What a failure means to the shell; 1 unless given. */
  readonly exitCodeOf?: (error: unknown) => number;
  /** As of an invocation; false unless given. */
  readonly serves?: boolean;
}

/** A command, or several under one word, before anybody asked for it. */
export interface CommandEntry {
  /** The first word of its command line. */
  readonly word: string;
  /** Makes what understands it. */
  parser(): Parser<"sync", Invocation, unknown>;
}

export function defineCommand<Options>(definition: CommandDefinition<Options>): CommandEntry {
  const { name } = definition;
  const word = name.slice(name.lastIndexOf(" ") + 1);
  return { word, parser: () => commandParser(word, definition) };
}

/** Commands whose names begin with the same word. */
export function defineGroup(
  { word, brief, description, entries }: {
    word: string;
    brief: string;
    description: string;
    entries: readonly CommandEntry[];
  },
): CommandEntry {
  return {
    word,
    parser: () => command(word, anyOf(entries), { brief: [text(brief)], description: [text(description)] }),
  };
}

/** What understands any of some commands. */
export function anyOf(entries: readonly CommandEntry[]): Parser<"sync", Invocation, unknown> {
  return or(...entries.map((entry) => entry.parser()), { errors: { noMatch: message`A command is missing.` } });
}

function commandParser<Options>(
  word: string,
  definition: CommandDefinition<Options>,
): Parser<"sync", Invocation, unknown> {
  const { name, brief, description, options, load, exitCodeOf = () => exitCode.failed, serves = false } = definition;
  const invocation = map(options(), (options): Invocation => ({
    command: name,
    options,
    run: async () => (await load())(options),
    exitCodeOf,
    serves,
  }));
  return command(word, invocation, { brief: [text(brief)], description: [text(description)] });
}
