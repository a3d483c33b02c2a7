import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import type { AmqpClientOptions } from "../../app/client/client_options.ts";
import { type CommandEntry, defineCommand } from "../command.ts";
import { clientExitCode } from "../exit_code.ts";
import { clientBrokerOption } from "../options/broker_options.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { consumerName, path, userName, words } from "../options/value_parsers.ts";

export const amqpClientCommand: CommandEntry = defineCommand({
  name: "amqp-client",
  brief: "Chat over RabbitMQ",
  description: "Chats over RabbitMQ: on a terminal with an input line, from a pipe with a message for each line. " +
    "The password is asked for, or comes from --password-file or CHATD_PASSWORD.",
  options: amqpClientOptions,
  load: async () => (await import("./run_amqp_client.ts")).runAmqpClient,
  exitCodeOf: clientExitCode,
});

function amqpClientOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", AmqpClientOptions, unknown> {
  const main = object({
    user: options.required("--user", userName(), "Who you are, always needed; a new name can be registered"),
    broker: clientBrokerOption(options),
    to: options.optional("--to", userName(), "Whom to write to: needed when the lines come from a pipe"),
    consumer: options.withDefault("--consumer", consumerName(), {
      standard: "ui",
      description: "Which of this device's places in the log to go on from",
    }),
    plain: options.flag("--plain", "Line by line, as on a dumb terminal, not on the whole screen"),
    noColor: options.flag("--no-color", "No colours; so does NO_COLOR"),
  });
  const secrets = object({
    passwordFile: options.optional("--password-file", path("FILE"), "File with the password in its first line"),
    invite: options.optional("--invite", words("CODE"), "Invitation to register with"),
  });
  const tls = object({
    caFile: options.optional("--ca", path("FILE"), "Trust this CA instead of the system's, PEM"),
    insecure: options.flag("--insecure", "Send the password beyond this machine without TLS"),
  });
  const all = merge(group("Options", main), group("Password and registration", secrets), group("Encryption", tls));
  return map(all, (parsed) => ({ ...parsed, password: env("CHATD_PASSWORD") || undefined }));
}
