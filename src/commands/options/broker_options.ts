import type { OptionsWithEnv } from "./options_with_env.ts";
import { brokerUrl, hostPort, httpUrl, path } from "./value_parsers.ts";

const standardBroker = "amqp://127.0.0.1:5672";
const description =
  "URL of the broker, amqp:// or amqps://; USER:PASSWORD@ only in CHATD_BROKER, since ps shows the command line";
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
      "URL of the broker, amqp:// or amqps://; USER:PASSWORD@ only for a login that all users share, in CHATD_BROKER",
  });
}

/** Files with what a server and its broker know of each other. */
export function brokerSecretOptions(options: OptionsWithEnv) {
  return {
    brokerPasswordFile: options.optional(
      "--broker-password-file",
      path("FILE"),
      "File with the password of the broker's user, which is chatd unless the URL names another",
    ),
    authSecretFile: options.optional(
      "--broker-auth-secret-file",
      path("FILE"),
      "File with the secret of the broker's authorization requests, instead of the one in the data folder",
    ),
  };
}

/** How to listen for the broker, and whom to trust. */
export function brokerContactOptions(options: OptionsWithEnv) {
  return {
    caFile: options.optional("--ca", path("FILE"), "CA to trust instead of the system's, PEM"),
    authListen: options.withDefault("--broker-auth-listen", hostPort({ allowPort0: false }), {
      standard: "127.0.0.1:15680",
      description: "Address to listen on for the broker's authorization requests",
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
      "URL of the broker's management plugin, to close connections: http://127.0.0.1:15672",
    ),
    amqpRegistration: settings.flag(
      "--amqp-registration",
      "Let users without an account log in to the broker to register",
    ),
    sharedLogin: settings.flag(
      "--shared-login",
      "Use a broker that does not ask chatd for authorization: clients can bypass the server",
    ),
  };
}
