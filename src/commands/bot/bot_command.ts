import { object } from "@optique/core/constructs";
import { message, text } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { scriptExitCode } from "../exit_code.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { commandWords, duration } from "../options/value_parsers.ts";
import { consumerNameOption, conversationsOption, withConnection } from "../script/script_options.ts";
import type { BotCommandOptions } from "./run_bot.ts";

export const botCommand: CommandEntry = defineCommand({
  name: "bot",
  brief: "Run a command for each message, and send what it prints",
  description:
    "Runs a command for each message of others: the text is on its stdin, who and where in its environment " +
    "(CHATD_SENDER, CHATD_ADDRESS, …). What it prints is sent to the same conversation. Messages of other bots are " +
    "passed over.",
  options: botOptions,
  load: async () => (await import("./run_bot.ts")).runBot,
  exitCodeOf: scriptExitCode,
});

function botOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", BotCommandOptions, unknown> {
  const main = object({
    command: option("--exec", commandWords(), {
      description: [text("What to run for each message, without a shell: a program and its arguments")],
    }),
    conversations: conversationsOption(),
    mentionsOnly: options.once("--mentions-only", "In rooms, only for messages that name it (@name)"),
    name: consumerNameOption("Its place in the log is kept under this name"),
    concurrency: withDefault(
      option("--concurrency", integer({ metavar: "COUNT", min: 1, max: 64 }), {
        description: [text("How many run at once; in one conversation it is one")],
      }),
      4,
    ),
    timeoutMs: withDefault(
      option("--timeout", duration(), { description: [text("How long each may run")] }),
      60_000,
      { message: message`60s` },
    ),
  });
  return withConnection(main, options, env);
}
