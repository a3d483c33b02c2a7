import { group, object } from "@optique/core/constructs";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { brokerOption, brokerSecretOptions } from "../options/broker_options.ts";
import { dataFolder } from "../options/data_folder.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { hostPort, path } from "../options/value_parsers.ts";
import type { BrokerConfigCommandOptions } from "./run_broker_config.ts";

export const brokerConfigCommand: CommandEntry = defineCommand({
  name: "broker-config",
  brief: "Print the configuration that RabbitMQ needs",
  description:
    "Prints a rabbitmq.conf with which RabbitMQ asks chatd for authorization, including its secrets, and the remaining " +
    "setup steps. Creates missing secrets in the data folder.",
  options: brokerConfigOptions,
  load: async () => (await import("./run_broker_config.ts")).runBrokerConfig,
  readsConfig: true,
});

function brokerConfigOptions(
  options: OptionsWithEnv,
): Parser<"sync", BrokerConfigCommandOptions, unknown> {
  const settings = options.section("amqp");
  return group(
    "Options",
    object({
      broker: brokerOption(settings),
      ...brokerSecretOptions(settings),
      dataDir: dataFolder(options),
      authAddress: options.withDefault("--broker-auth-address", hostPort({ allowPort0: false }), {
        standard: "127.0.0.1:15680",
        description: "Address at which the broker reaches the server's --broker-auth-listen",
      }),
      writeTo: options.optional("--write", path("DIR"), "Write rabbitmq.conf and enabled_plugins to this folder"),
    }),
  );
}
