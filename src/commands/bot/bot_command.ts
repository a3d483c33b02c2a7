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
  brief: "Run a command for each message and send its output",
  description:
    "Runs a command for each message from other users and sends its output to the same conversation. The command gets " +
    "the text on stdin, and the sender and address in its environment (CHATD_SENDER, CHATD_ADDRESS, …). Messages of " +
    "other bots are ignored.",
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
      description: [text("Program and arguments to run for each message, without a shell")],
    }),
    conversations: conversationsOption(),
    mentionsOnly: options.once("--mentions-only", "In rooms, answer only messages that mention the bot (@name)"),
    online: options.once("--online", "Show your user as online while the bot runs"),
    name: consumerNameOption("Name of the delivery cursor to resume from"),
    concurrency: withDefault(
      option("--concurrency", integer({ metavar: "COUNT", min: 1, max: 64 }), {
        description: [text("Commands to run at once; one per conversation")],
      }),
      4,
    ),
    timeoutMs: withDefault(
      option("--timeout", duration(), { description: [text("Time limit of each command")] }),
      60_000,
      { message: message`60s` },
    ),
  });
  return withConnection(main, options, env);
}
