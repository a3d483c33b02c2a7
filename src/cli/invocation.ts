import { text } from "@optique/core/message";
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
}

export interface CommandDefinition<Options> {
  /** "user add", say; what comes after the last space is matched here, the rest by who holds the command. */
  readonly name: string;
  /** One line, for the list of commands. */
  readonly brief: string;
  /** For the command's own help. */
  readonly description: string;
  readonly options: Parser<"sync", Options, unknown>;
  /** A literal `import()`, so that nothing is loaded before it is needed. */
  readonly load: () => Promise<(options: Options) => Promise<number>>;
  /** What a failure means to the shell; 1 unless given. */
  readonly exitCodeOf?: (error: unknown) => number;
}

export function defineCommand<Options>(definition: CommandDefinition<Options>): Parser<"sync", Invocation, unknown> {
  const { name, brief, description, options, load, exitCodeOf = () => exitCode.failed } = definition;
  const invocation = map(options, (options): Invocation => ({
    command: name,
    options,
    run: async () => (await load())(options),
    exitCodeOf,
  }));
  const word = name.slice(name.lastIndexOf(" ") + 1);
  return command(word, invocation, { brief: [text(brief)], description: [text(description)] });
}
