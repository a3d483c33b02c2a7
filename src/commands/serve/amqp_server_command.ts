import { group, merge, object } from "@optique/core/constructs";
import type { Parser } from "@optique/core/parser";
import type { AmqpServerOptions } from "../../app/server_options.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { httpUrl } from "../options/value_parsers.ts";
import { brokerContactOptions, brokerOption, brokerSecretOptions } from "../options/broker_options.ts";
import { limitOptions, serverOptions } from "./server_options.ts";

export function amqpServerOptions(options: OptionsWithEnv): Parser<"sync", AmqpServerOptions, unknown> {
  const settings = options.section("amqp");
  const main = object(serverOptions(options));
  const broker = object({
    broker: brokerOption(settings),
    ...brokerOptions(options),
    insecure: settings.flag("--insecure", "Go beyond this machine without TLS"),
  });
  return merge(group("Options", main), group("Broker", broker), group("Limits", limitOptions(options)));
}

/** What there is to say about a broker that was named. */
export function brokerOptions(options: OptionsWithEnv) {
  const settings = options.section("amqp");
  return {
    ...brokerSecretOptions(settings),
    ...brokerContactOptions(settings),
    management: settings.optional(
      "--broker-management",
      httpUrl(),
      "The broker's management plugin, to close connections: http://127.0.0.1:15672",
    ),
    amqpRegistration: settings.flag(
      "--amqp-registration",
      "Let people without an account log in to the broker to register",
    ),
    sharedLogin: settings.flag(
      "--shared-login",
      "Use a broker that does not ask chatd: clients can go around the server",
    ),
  };
}
