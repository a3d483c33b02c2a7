import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import { type CommandEntry, defineCommand } from "../command.ts";
import { clientExitCode } from "../exit_code.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { address, consumerName, path } from "../options/value_parsers.ts";
import { defaultProfile } from "../script/profiles.ts";
import { profileOption } from "../script/script_options.ts";
import type { ChatCommandOptions } from "./run_chat.ts";

export const chatCommand: CommandEntry = defineCommand({
  name: "chat",
  brief: "Chat as the user of your profile",
  description:
    'Chats as the user and at the server of a profile, over gRPC or RabbitMQ: "chatd login" saves one. On a terminal, ' +
    "chatd without a command does the same. From a pipe, each line is a message to ADDRESS.",
  options: chatOptions,
  load: async () => (await import("./run_chat.ts")).runChat,
  exitCodeOf: clientExitCode,
});

function chatOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", ChatCommandOptions, unknown> {
  const main = object("Options", {
    to: optional(
      argument(address(), {
        description: [text("Conversation to open: ben, #ops or +id; required if the input is a pipe")],
      }),
    ),
    profile: profileOption(options),
    consumer: options.withDefault("--consumer", consumerName(), {
      standard: "ui",
      description: "Delivery cursor to resume from",
    }),
    plain: options.flag("--plain", "Use line mode instead of the full screen"),
    noColor: options.flag("--no-color", "Disable colors, like NO_COLOR"),
    passwordFile: options.optional(
      "--password-file",
      path("FILE"),
      "File with the password on its first line, if the saved login has ended",
    ),
  });
  return map(main, ({ profile = defaultProfile, ...rest }) => ({
    ...rest,
    profile,
    password: env("CHATD_PASSWORD") || undefined,
  }));
}
