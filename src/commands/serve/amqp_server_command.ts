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
  brief: "Serve the chat over RabbitMQ only",
  description:
    "Serves the chat over RabbitMQ, which asks chatd for authorization. The data folder holds accounts and messages, and " +
    "belongs to one server. SIGINT or SIGTERM stops the server within seconds, a second one at once; SIGHUP reloads it.",
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
    insecure: settings.flag("--insecure", "Allow connections beyond this machine without TLS"),
  });
  return merge(group("Options", main), group("Broker", broker), group("Limits", limitOptions(options)));
}
