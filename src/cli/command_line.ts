import { runParser } from "@optique/core/facade";
import { formatMessage, type Message, message } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import type { ConfigFile } from "../app/config_file.ts";
import type { Invocation } from "../commands/command.ts";
import { exitCode } from "../commands/exit_code.ts";
import { ConfigSettings } from "../commands/options/config_settings.ts";
import type { Environment } from "../commands/options/environment.ts";
import { UsageError } from "../commands/options/usage_error.ts";
import type { Output } from "../host/process_output.ts";
import { commands } from "./commands.ts";
import { commandPath, didYouMean } from "./did_you_mean.ts";
import { versionLine, versionOptions } from "./version_line.ts";

/** Thrown through the parser to leave it with an exit code after it has printed its output. */
class ParserExit extends Error {
  constructor(readonly code: number) {
    super("the parser has printed its output");
  }
}

/**
 * Parses a command line and the configuration file that it names, without loading the command's action.
 * @returns the command to run, or the exit code after help, the version, a completion or an error was printed.
 */
export function parseCommandLine(
  args: readonly string[],
  { env, output, config }: { env: Environment; output: Output; config?: ConfigFile },
): Invocation | number {
  const settings = new ConfigSettings(config);
  // With a configuration file, all commands declare their settings, because the file may contain settings of any of
  // them.
  const parser = commands(env, { settings, only: config === undefined ? args[0] : undefined });
  const problems = settings.problems();
  if (problems.length > 0) {
    output.stderr([...problems.map((problem) => `chatd: ${problem}`), pointToHelp(parser, args)].join("\n"));
    return exitCode.usage;
  }
  const onShow = (code: number): never => {
    throw new ParserExit(code);
  };
  try {
    return runParser(parser, "chatd", args.length === 0 ? ["--help"] : args, {
      brief: message`Self-hosted chat in one executable.`,
      footer: message`Options can also be set through the environment variables in parentheses.`,
      help: { command: true, option: { names: ["-h", "--help"] }, onShow },
      version: { option: { names: versionOptions }, value: versionLine, onShow },
      completion: { command: true, onShow },
      commandList: "top-level",
      usageLine: [{ type: "ellipsis" }],
      showDefault: true,
      showChoices: true,
      termWidth: "auto",
      colors: output.colors,
      maxWidth: output.width,
      stdout: (text) => (args.length === 0 ? output.stderr : output.stdout)(text),
      stderr: () => {},
      aboveError: "none",
      onError: (_code, error) => {
        output.stderr(describe(parser, args, error));
        throw new ParserExit(exitCode.usage);
      },
    });
  } catch (thrown) {
    if (thrown instanceof ParserExit) return args.length === 0 ? exitCode.usage : thrown.code;
    if (!(thrown instanceof UsageError)) throw thrown;
    output.stderr(`chatd: ${thrown.message}\n${pointToHelp(parser, args)}`);
    return exitCode.usage;
  }
}

function describe(parser: Parser<"sync", unknown, unknown>, args: readonly string[], error: Message): string {
  const words = formatMessage(error, { colors: false, quotes: true }).replaceAll(/\s*\n\s*/g, " ");
  const asked = args[0] === "help" ? args.slice(1) : args;
  const meant = words.includes("Did you mean") ? [] : didYouMean(parser, asked, error);
  const suggestion = meant.length === 0 ? "" : ` Did you mean ${meant.map((word) => `\`${word}\``).join(" or ")}?`;
  return `chatd: ${words}${suggestion}\n${pointToHelp(parser, asked)}`;
}

function pointToHelp(parser: Parser<"sync", unknown, unknown>, args: readonly string[]): string {
  return `Try "${["chatd", ...commandPath(parser, args), "--help"].join(" ")}".`;
}
