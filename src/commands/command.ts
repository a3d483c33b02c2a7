import { or } from "@optique/core/constructs";
import { message, text } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { command } from "@optique/core/primitives";
import { exitCode } from "./exit_code.ts";
import type { Environment } from "./options/environment.ts";
import type { OptionsWithEnv } from "./options/options_with_env.ts";

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
  readonly options: (options: OptionsWithEnv, env: Environment) => Parser<"sync", Options, unknown>;
  /** A literal `import()`, so that nothing is loaded before it is needed. */
  readonly load: () => Promise<(options: Options) => Promise<number>>;
  /** What a failure means to the shell; 1 unless given. */
  readonly exitCodeOf?: (error: unknown) => number;
  /** As of an invocation; false unless given. */
  readonly serves?: boolean;
  /** As of an entry; false unless given. */
  readonly readsConfig?: boolean;
}

/** A command, or a group of commands that begin with the same word. */
export interface CommandEntry {
  /** The first word of its command line. */
  readonly word: string;
  /** Its options may stand in the server's configuration file, which `--config` names. */
  readonly readsConfig: boolean;
  /** Makes the parser of the command line after `word`. */
  parser(options: OptionsWithEnv, env: Environment): Parser<"sync", Invocation, unknown>;
}

/**
 * Makes an entry of the table of commands.
 *
 * @example
 * ```ts
 * import { map } from "@optique/core/modifiers";
 * import { dataFolder } from "./options/data_folder.ts";
 *
 * export const healthcheckCommand = defineCommand({
 *   name: "healthcheck",
 *   brief: "Ask the server of a data folder whether it answers",
 *   description: "Asks the running server over the socket in its data folder.",
 *   options: (options) => map(dataFolder(options), (dataDir) => ({ dataDir })),
 *   load: async () => (await import("./healthcheck/run_healthcheck.ts")).runHealthcheck,
 *   readsConfig: true,
 * });
 * ```
 */
export function defineCommand<Options>(definition: CommandDefinition<Options>): CommandEntry {
  const { name, readsConfig = false } = definition;
  const word = name.slice(name.lastIndexOf(" ") + 1);
  return {
    word,
    readsConfig,
    parser: (options, env) => commandParser(word, definition, definition.options(options, env)),
  };
}

/** Makes one entry of commands whose names begin with the same word. */
export function defineGroup(
  { word, brief, description, entries, readsConfig }: {
    word: string;
    brief: string;
    description: string;
    entries: readonly CommandEntry[];
    readsConfig: boolean;
  },
): CommandEntry {
  const help = { brief: [text(brief)], description: [text(description)] };
  return { word, readsConfig, parser: (options, env) => command(word, anyOf(entries, options, env), help) };
}

/** Makes a parser that understands any of `entries`. */
export function anyOf(
  entries: readonly CommandEntry[],
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", Invocation, unknown> {
  const parsers = entries.map((entry) => entry.parser(options, env));
  return or(...parsers, { errors: { noMatch: message`A command is missing.` } });
}

function commandParser<Options>(
  word: string,
  { name, brief, description, load, exitCodeOf = () => exitCode.failed, serves = false }: CommandDefinition<Options>,
  options: Parser<"sync", Options, unknown>,
): Parser<"sync", Invocation, unknown> {
  const invocation = map(options, (options): Invocation => ({
    command: name,
    options,
    run: async () => (await load())(options),
    exitCodeOf,
    serves,
  }));
  return command(word, invocation, { brief: [text(brief)], description: [text(description)] });
}
