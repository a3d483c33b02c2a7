import { group, merge, object } from "@optique/core/constructs";
import type { Parser } from "@optique/core/parser";
import type { AmqpServerOptions } from "../../app/server_options.ts";
import type { OptionsWithEnv } from "../options_with_env.ts";
import { brokerUrl, hostPort, httpUrl, path } from "../value_parsers.ts";
import { limitOptions, serverOptions } from "./server.ts";

export const brokerDescription =
  "The broker, amqp:// or amqps://; USER:PASSWORD@ in it only by CHATD_BROKER, not where ps shows it";

export function amqpServerOptions(options: OptionsWithEnv): Parser<"sync", AmqpServerOptions, unknown> {
  const settings = options.section("amqp");
  const main = object(serverOptions(options));
  const broker = object({
    broker: settings.withDefault("--broker", brokerUrl(), {
      standard: "amqp://127.0.0.1:5672",
      description: brokerDescription,
    }),
    ...brokerOptions(options),
    insecure: settings.flag("--insecure", "Go beyond this machine without TLS"),
  });
  return merge(group("Options", main), group("Broker", broker), group("Limits", limitOptions(options)));
}

/** What there is to say about a broker that was named. */
export function brokerOptions(options: OptionsWithEnv) {
  const settings = options.section("amqp");
  return {
    brokerPasswordFile: settings.optional(
      "--broker-password-file",
      path("FILE"),
      "File with the password of the broker's user, who is chatd unless the URL names another",
    ),
    caFile: settings.optional("--ca", path("FILE"), "Trust this CA instead of the system's, PEM"),
    authListen: settings.withDefault("--broker-auth-listen", hostPort({ allowPort0: false }), {
      standard: "127.0.0.1:15680",
      description: "Where the broker asks who may do what",
    }),
    authSecretFile: settings.optional(
      "--broker-auth-secret-file",
      path("FILE"),
      "File with the secret in the broker's questions, instead of the one in the data folder",
    ),
    management: settings.optional(
      "--broker-management",
      httpUrl(),
      "The broker's management plugin, to close connections: http://127.0.0.1:15672",
    ),
    sharedLogin: settings.flag(
      "--shared-login",
      "Use a broker that does not ask chatd: clients can go around the server",
    ),
  };
}
