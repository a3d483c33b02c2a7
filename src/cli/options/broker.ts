import { group, object } from "@optique/core/constructs";
import type { Parser } from "@optique/core/parser";
import type { BrokerConfigCommandOptions } from "../../app/broker_config_command.ts";
import type { DoctorOptions } from "../../app/doctor.ts";
import type { OptionsWithEnv } from "../options_with_env.ts";
import { brokerUrl, hostPort, httpUrl, path } from "../value_parsers.ts";

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
      caFile: options.optional("--ca", path("FILE"), "Trust this CA instead of the system's, PEM"),
      authListen: options.withDefault("--broker-auth-listen", hostPort({ allowPort0: false }), {
        standard: "127.0.0.1:15680",
        description: "Where the broker asks who may do what",
      }),
      management: options.optional(
        "--broker-management",
        httpUrl(),
        "The broker's management plugin; port 15672 of the broker unless given, or 15671 with amqps://",
      ),
      insecure: options.flag("--insecure", "Send the broker's password beyond this machine without TLS"),
    }),
  );
}

function shared(options: OptionsWithEnv) {
  return {
    broker: options.withDefault("--broker", brokerUrl(), {
      standard: "amqp://127.0.0.1:5672",
      description: "The broker, amqp:// or amqps://; USER:PASSWORD@ in it only by CHATD_BROKER, not where ps shows it",
    }),
    brokerPasswordFile: options.optional(
      "--broker-password-file",
      path("FILE"),
      "File with the password of the broker's user, who is chatd unless the URL names another",
    ),
    authSecretFile: options.optional(
      "--broker-auth-secret-file",
      path("FILE"),
      "File with the secret in the broker's questions, instead of the one in the data folder",
    ),
    dataDir: options.withDefault("--data", path("DIR"), {
      standard: "./data",
      description: "The server's data folder",
    }),
  };
}
