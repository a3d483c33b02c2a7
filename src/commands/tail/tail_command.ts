import { object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { scriptExitCode } from "../exit_code.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { plainOption } from "../options/plain_option.ts";
import { UsageError } from "../options/usage_error.ts";
import { since } from "../options/value_parsers.ts";
import {
  consumerNameOption,
  conversationsOption,
  jsonOption,
  seqValue,
  withConnection,
} from "../script/script_options.ts";
import type { Since, TailCommandOptions } from "./run_tail.ts";

export const tailCommand: CommandEntry = defineCommand({
  name: "tail",
  brief: "Print messages as they come",
  description: "Prints messages as they come, and goes on where it stopped the next time. What was printed is " +
    "acknowledged when the reader of stdout took it. The first time, it begins with what is new.",
  options: tailOptions,
  load: async () => (await import("./run_tail.ts")).runTail,
  exitCodeOf: scriptExitCode,
});

function tailOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", TailCommandOptions, unknown> {
  const main = object({
    conversations: conversationsOption(),
    since: plainOption<Since>("--since", since(), "Begin there, not where it stopped: a message's number, or a time"),
    count: plainOption("--count", seqValue(), "End after so many"),
    events: options.once("--events", "Print edits, reactions, and what happens to rooms too"),
    json: jsonOption(options),
    name: consumerNameOption("Its place in the log is kept under this name"),
  });
  return map(withConnection(main, options, env), (parsed) => {
    if (parsed.since !== undefined && "seq" in parsed.since && parsed.conversations.length !== 1) {
      throw new UsageError("--since with a number is about one conversation: give --conversation once, or a time.");
    }
    return parsed;
  });
}
