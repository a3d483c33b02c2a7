import { object } from "@optique/core/constructs";
import { message, text } from "@optique/core/message";
import { map, multiple, withDefault } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { scriptExitCode } from "../exit_code.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { plainOption } from "../options/plain_option.ts";
import { UsageError } from "../options/usage_error.ts";
import { address, duration, path, words } from "../options/value_parsers.ts";
import { seqValue, withConnection } from "../script/script_options.ts";
import type { SendCommandOptions } from "./run_send.ts";

export const sendCommand: CommandEntry = defineCommand({
  name: "send",
  brief: "Send a message, and end when it was accepted",
  description: "Sends TEXT, or what comes on stdin, as one message. Tries again until it is accepted or refused, and " +
    "ends with 0 only when it is accepted.",
  options: sendOptions,
  load: async () => (await import("./run_send.ts")).runSend,
  exitCodeOf: scriptExitCode,
});

function sendOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", SendCommandOptions, unknown> {
  const main = object({
    to: option("--to", address(), { description: [text("Whom or what to write to: ben, #ops or +id")] }),
    words: multiple(argument(words("TEXT"), { description: [text("The message; with none, it comes from stdin")] })),
    lines: options.once("--lines", "Each line of stdin is a message"),
    replyTo: plainOption("--reply-to", seqValue(), "The number of the message that it answers"),
    file: plainOption("--file", path("FILE"), "Attach this file"),
    automatic: options.once(
      "--automatic",
      "Mark it as written by a program in answer to something: bots do not answer it",
    ),
    json: options.once("--json", "Print what was accepted, a JSON object for each line"),
    timeoutMs: withDefault(
      option("--timeout", duration(), { description: [text("How long to try without a connection")] }),
      60_000,
      { message: message`60s` },
    ),
  });
  return map(withConnection(main, options, env), (parsed) => {
    if (parsed.lines && (parsed.words.length > 0 || parsed.file !== undefined)) {
      throw new UsageError("--lines takes messages from stdin: leave out TEXT and --file.");
    }
    return parsed;
  });
}
