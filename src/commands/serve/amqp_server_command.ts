import { group, merge, object } from "@optique/core/constructs";
import type { Parser } from "@optique/core/parser";
import type { AmqpServerOptions } from "../../app/server_options.ts";
import { type CommandEntry, defineCommand } from "../command.ts";
import { serverExitCode } from "../exit_code.ts";
import { brokerOption, brokerServerOptions } from "../options/broker_options.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { serverAction } from "./server_action.ts";
import { limitOptions, serverOptions } from "./server_options.ts";

export const amqpServerCommand: CommandEntry = defineCommand({
  name: "amqp-server",
  brief: "Serve the chat over RabbitMQ alone",
  description:
    "Serves the chat over RabbitMQ, which asks it who may do what. Accounts and messages are in the data folder, " +
    "which one server owns. SIGINT and SIGTERM end it within seconds, a second one at once; SIGHUP reloads it.",
  options: amqpServerOptions,
  load: async () => serverAction((await import("../../app/amqp_server.ts")).runAmqpServer),
  exitCodeOf: serverExitCode,
  serves: true,
  readsConfig: true,
});

function amqpServerOptions(options: OptionsWithEnv): Parser<"sync", AmqpServerOptions, unknown> {
  const settings = options.section("amqp");
  const main = object(serverOptions(options));
  const broker = object({
    broker: brokerOption(settings),
    ...brokerServerOptions(options),
    insecure: settings.flag("--insecure", "Go beyond this machine without TLS"),
  });
  return merge(group("Options", main), group("Broker", broker), group("Limits", limitOptions(options)));
}
