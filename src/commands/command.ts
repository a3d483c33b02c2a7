import { or } from "@optique/core/constructs";
import { message, text } from "@optique/core/message";
import { map, withDefault, WithDefaultError } from "@optique/core/modifiers";
import { type Parser, parseSync } from "@optique/core/parser";
import { command } from "@optique/core/primitives";
import { exitCode } from "./exit_code.ts";
import type { Environment } from "./options/environment.ts";
import type { OptionsWithEnv } from "./options/options_with_env.ts";

/** A parsed command line. */
export interface Invocation {
  /** Such as "user add". */
  readonly command: string;
  readonly options: unknown;
  /** Loads the command's code and runs it. @returns the exit code */
  run(): Promise<number>;
  /** Returns the exit code for an `error` that `run` threw. */
  exitCodeOf(error: unknown): number;
  /** The command starts a server: when it fails, it exits even if it cannot write the reason. */
  readonly serves: boolean;
}

export interface CommandDefinition<Options> {
  /** Such as "user add"; the part before the last space is matched by the group of the command. */
  readonly name: string;
  /** One line, for the list of commands. */
  readonly brief: string;
  /** For the command's own help. */
  readonly description: string;
  /**
   * Called only if the command line may be for this command: parsers of all commands take longer than most commands
   * run.
   */
  readonly options: (options: OptionsWithEnv, env: Environment) => Parser<"sync", Options, unknown>;
  /** Loads the action by a literal `import()`. */
  readonly load: () => Promise<(options: Options) => Promise<number>>;
  /** The exit code for a failure; 1 unless given. */
  readonly exitCodeOf?: (error: unknown) => number;
  /** See {@link Invocation.serves}; false unless given. */
  readonly serves?: boolean;
  /** See {@link CommandEntry.readsConfig}; false unless given. */
  readonly readsConfig?: boolean;
}

/** A command, or a group of commands that begin with the same word. */
export interface CommandEntry {
  /** The first word of its command line. */
  readonly word: string;
  /** Whether its options may come from the server's configuration file (`--config`). */
  readonly readsConfig: boolean;
  /** Creates the parser of the command line from `word` on. */
  parser(options: OptionsWithEnv, env: Environment): Parser<"sync", Invocation, unknown>;
}

/**
 * Creates an entry of the table of commands.
 *
 * @example
 * ```ts
 * import { map, withDefault, WithDefaultError } from "@optique/core/modifiers";
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

/** Creates one entry for commands whose names begin with the same word. */
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

/**
 * Creates one entry for a command that also has subcommands: `named` runs if no subcommand follows its word. Its help
 * and its options are those of `named`.
 */
export function defineCommandWithSubcommands<Options>(
  named: CommandDefinition<Options>,
  entries: readonly CommandEntry[],
): CommandEntry {
  const { name, brief, description, readsConfig = false } = named;
  return {
    word: name,
    readsConfig,
    parser: (options, env) => {
      const alone = invocation(named, named.options(options, env));
      const parsers = entries.map((entry) => entry.parser(options, env));
      const choice = or(...parsers, alone);
      // A choice needs a word to choose by.
      const chosen = withDefault(choice, () => {
        const parsed = parseSync(alone, []);
        if (parsed.success) return parsed.value;
        throw new WithDefaultError(parsed.error);
      }, { message: [] });
      const parser = { ...chosen, usage: choice.usage };
      return command(name, parser, { brief: [text(brief)], description: [text(description)] });
    },
  };
}

/** Creates a parser that accepts any of `entries`. */
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
  definition: CommandDefinition<Options>,
  options: Parser<"sync", Options, unknown>,
): Parser<"sync", Invocation, unknown> {
  const { brief, description } = definition;
  return command(word, invocation(definition, options), { brief: [text(brief)], description: [text(description)] });
}

function invocation<Options>(
  { name, load, exitCodeOf = () => exitCode.failed, serves = false }: CommandDefinition<Options>,
  options: Parser<"sync", Options, unknown>,
): Parser<"sync", Invocation, unknown> {
  return map(options, (options): Invocation => ({
    command: name,
    options,
    run: async () => (await load())(options),
    exitCodeOf,
    serves,
  }));
}
