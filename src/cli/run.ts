import type { ConfigFile } from "../app/config_file.ts";
import { exitCode } from "../commands/exit_code.ts";
import { processEnvironment } from "../commands/options/environment.ts";
import { ChatError } from "../core/chat_error.ts";
import { sanitizeLine, sanitizeLines } from "../core/sanitize.ts";
import { takeFileSizeSignal } from "../host/file_size_limit.ts";
import { processOutput, writeErrorInTime } from "../host/process_output.ts";
import { SystemError, systemReason } from "../core/system_error.ts";
import { versionLine, versionOptions } from "./version_line.ts";

/** Runs a command line. @returns the exit code */
export async function run(given: readonly string[]): Promise<number> {
  takeFileSizeSignal();
  const output = processOutput;
  let exitCodeOf = (_error: unknown): number => exitCode.failed;
  let printError: (text: string) => void | Promise<void> = output.stderr;
  try {
    if (given.length === 1 && versionOptions.some((option) => option === given[0])) {
      output.stdout(versionLine);
      return exitCode.done;
    }
    exitCodeOf = () => exitCode.usage;
    const args = given.length === 0 ? await atTerminal() : given;
    const { configFileOf } = await import("./config_option.ts");
    const config = await readConfig(configFileOf(args, processEnvironment));
    exitCodeOf = () => exitCode.failed;
    const { parseCommandLine } = await import("./command_line.ts");
    await tellUnknownVariables(args, output.stderr);
    const invocation = parseCommandLine(args, { env: processEnvironment, output, config });
    if (typeof invocation === "number") return invocation;
    exitCodeOf = invocation.exitCodeOf;
    if (invocation.serves) printError = writeErrorInTime;
    return await invocation.run();
  } catch (error) {
    if (error instanceof Error && error.name === "PromptInterrupted") return exitCode.interrupted;
    await printError(sanitizeLines(describe(error)).join("\n"));
    return exitCodeOf(error);
  }
}

/** A serving process and a shell that completes words say nothing: the supervisor and the shell's user have been told. */
async function tellUnknownVariables(args: readonly string[], tell: (text: string) => void): Promise<void> {
  if (args.includes("--supervised") || /^completions?$/.test(args[0] ?? "")) return;
  const { unknownVariables } = await import("./unknown_variables.ts");
  for (const sentence of unknownVariables(args)) tell(`chatd: ${sanitizeLine(sentence)}`);
}

/** Returns the command line for no arguments. */
async function atTerminal(): Promise<readonly string[]> {
  if (!Deno.stdin.isTerminal() || !Deno.stdout.isTerminal()) return [];
  const { defaultCommand } = await import("./default_command.ts");
  return defaultCommand(processEnvironment);
}

async function readConfig(path: string | undefined): Promise<ConfigFile | undefined> {
  if (path === undefined) return undefined;
  const { readConfigFile } = await import("../app/config_file.ts");
  return readConfigFile(path);
}

function describe(error: unknown): string {
  if (error instanceof ChatError && error.code !== "internal") return `chatd: ${error.message}`;
  if (error instanceof Deno.errors.NotCapable) return `chatd: Deno denies chatd a permission: ${error.message}.`;
  if (error instanceof SystemError) return `chatd: ${error.message}`;
  const cause = error instanceof ChatError ? error.cause ?? error : error;
  const reason = systemReason(cause);
  if (reason !== undefined) return `chatd: Cannot continue: ${reason} (${(cause as Error).message}).`;
  const detail = cause instanceof Error ? cause.stack ?? cause.message : String(cause);
  return `chatd: Internal error. This is a bug: please report it with the command and these lines.\n${detail}`;
}
