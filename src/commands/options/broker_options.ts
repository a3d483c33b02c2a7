import type { OptionsWithEnv } from "./options_with_env.ts";
import { brokerUrl, hostPort, httpUrl, path } from "./value_parsers.ts";

const standardBroker = "amqp://127.0.0.1:5672";
const description = "The broker, amqp:// or amqps://; USER:PASSWORD@ in it only by CHATD_BROKER, not where ps shows it";
const values = brokerUrl({ forPasswords: "give --broker-password-file FILE, or set CHATD_BROKER instead" });

/** The broker that a server, or who looks after one, goes to. */
export function brokerOption(options: OptionsWithEnv) {
  return options.withDefault("--broker", values, { standard: standardBroker, description });
}

/** Like {@link brokerOption}, where there need be none. */
export function optionalBrokerOption(options: OptionsWithEnv) {
  return options.optional("--broker", values, description);
}

/** The broker of a client, which logs in as its user. */
export function clientBrokerOption(options: OptionsWithEnv) {
  return options.withDefault("--broker", brokerUrl({ forPasswords: "set CHATD_BROKER instead" }), {
    standard: standardBroker,
    description:
      "The broker, amqp:// or amqps://; with USER:PASSWORD@ only where everybody shares them, and by CHATD_BROKER",
  });
}

/** Files with what a server and its broker know of each other. */
export function brokerSecretOptions(options: OptionsWithEnv) {
  return {
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
  };
}

/** How to listen for the broker, and whom to trust. */
export function brokerContactOptions(options: OptionsWithEnv) {
  return {
    caFile: options.optional("--ca", path("FILE"), "Trust this CA instead of the system's, PEM"),
    authListen: options.withDefault("--broker-auth-listen", hostPort({ allowPort0: false }), {
      standard: "127.0.0.1:15680",
      description: "Where the broker asks who may do what",
    }),
  };
}

/** The options of a server on a broker that was named. */
export function brokerServerOptions(options: OptionsWithEnv) {
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
