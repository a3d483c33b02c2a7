import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { clientExitCode } from "../exit_code.ts";
import { clientBrokerOption } from "../options/broker_options.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { consumerName, path, userName, words } from "../options/value_parsers.ts";
import { clientProfileOption, recipientOption, requireUser } from "./client_options.ts";
import type { AmqpClientCommandOptions } from "./run_amqp_client.ts";

export const amqpClientCommand: CommandEntry = defineCommand({
  name: "amqp-client",
  brief: "Chat over RabbitMQ",
  description: "Chats over RabbitMQ: interactively on a terminal, or with one message per line from a pipe. " +
    "Asks for the password unless --password-file or CHATD_PASSWORD provides it.",
  options: amqpClientOptions,
  load: async () => (await import("./run_amqp_client.ts")).runAmqpClient,
  exitCodeOf: clientExitCode,
});

function amqpClientOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", AmqpClientCommandOptions, unknown> {
  const main = object({
    profile: clientProfileOption(),
    user: options.optional("--user", userName(), "Your user name, unless a profile has it; you can register a new one"),
    broker: clientBrokerOption(options),
    to: recipientOption(options),
    consumer: options.withDefault("--consumer", consumerName(), {
      standard: "ui",
      description: "Delivery cursor to resume from",
    }),
    plain: options.flag("--plain", "Use line mode instead of the full screen"),
    noColor: options.flag("--no-color", "Disable colors, like NO_COLOR"),
  });
  const secrets = object({
    passwordFile: options.optional("--password-file", path("FILE"), "File with the password on its first line"),
    invite: options.optional("--invite", words("CODE"), "Invitation code to register with"),
  });
  const tls = object({
    caFile: options.optional("--ca", path("FILE"), "CA to trust instead of the system's, PEM"),
    insecure: options.flag("--insecure", "Allow sending the password beyond this machine without TLS"),
  });
  const all = merge(group("Options", main), group("Password and registration", secrets), group("Encryption", tls));
  return map(all, (parsed) => {
    requireUser(parsed);
    return { ...parsed, password: env("CHATD_PASSWORD") || undefined };
  });
}
