import { group, object } from "@optique/core/constructs";
import type { Parser } from "@optique/core/parser";
import type { BrokerConfigCommandOptions } from "../../app/broker_config_command.ts";
import type { DoctorOptions } from "../../app/doctor.ts";
import type { OptionsWithEnv } from "../options_with_env.ts";
import { hostPort, httpUrl, path } from "../value_parsers.ts";
import { dataFolder } from "./data_folder.ts";
import { brokerContactOptions, brokerOption, brokerSecretOptions } from "./broker_options.ts";

export function brokerConfigOptions(
  options: OptionsWithEnv,
): Parser<"sync", BrokerConfigCommandOptions, unknown> {
  return group(
    "Options",
    object({
      ...shared(options),
      authAddress: options.withDefault("--broker-auth-address", hostPort({ allowPort0: false }), {
        standard: "127.0.0.1:15680",
        description: "Where the broker reaches what amqp-server listens on with --broker-auth-listen",
      }),
      writeTo: options.optional("--write", path("DIR"), "Write rabbitmq.conf and enabled_plugins to this folder"),
    }),
  );
}

export function doctorOptions(options: OptionsWithEnv): Parser<"sync", DoctorOptions, unknown> {
  return group(
    "Options",
    object({
      ...shared(options),
      ...brokerContactOptions(options.section("amqp")),
      management: options.section("amqp").optional(
        "--broker-management",
        httpUrl(),
        "The broker's management plugin; port 15672 of the broker unless given, or 15671 with amqps://",
      ),
      insecure: options.section("amqp").flag(
        "--insecure",
        "Send the broker's password beyond this machine without TLS",
      ),
    }),
  );
}

function shared(options: OptionsWithEnv) {
  const settings = options.section("amqp");
  return {
    broker: brokerOption(settings),
    ...brokerSecretOptions(settings),
    dataDir: dataFolder(options),
  };
}
