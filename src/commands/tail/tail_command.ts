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
  countValue,
  jsonOption,
  withConnection,
} from "../script/script_options.ts";
import type { Since, TailCommandOptions } from "./run_tail.ts";

export const tailCommand: CommandEntry = defineCommand({
  name: "tail",
  brief: "Print messages as they arrive",
  description:
    "Prints messages as they arrive, and resumes where the last run stopped. A message is acknowledged once " +
    "the reader of stdout has taken it. The first run starts with new messages.",
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
    since: plainOption<Since>("--since", since(), "Start at a message's number or a time, instead of resuming"),
    count: plainOption("--count", countValue(), "Exit after this many messages"),
    events: options.once("--events", "Also print edits, reactions, pins and room events"),
    json: jsonOption(options),
    name: consumerNameOption("Name of the delivery cursor to resume from"),
  });
  return map(withConnection(main, options, env), (parsed) => {
    if (parsed.since !== undefined && "seq" in parsed.since && parsed.conversations.length !== 1) {
      throw new UsageError("--since with a number needs exactly one --conversation; with a time, it does not.");
    }
    return parsed;
  });
}
