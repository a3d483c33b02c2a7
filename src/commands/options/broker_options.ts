import type { OptionsWithEnv } from "./options_with_env.ts";
import { brokerUrl, hostPort, httpUrl, path } from "./value_parsers.ts";

const standardBroker = "amqp://127.0.0.1:5672";
const description =
  "URL of the broker, amqp:// or amqps://; USER:PASSWORD@ only in CHATD_BROKER, since ps shows the command line";
const values = brokerUrl({ forPasswords: "give --broker-password-file FILE, or set CHATD_BROKER instead" });

/** The option for the broker of a server. */
export function brokerOption(options: OptionsWithEnv) {
  return options.withDefault("--broker", values, { standard: standardBroker, description });
}

/** Like {@link brokerOption}, but optional. */
export function optionalBrokerOption(options: OptionsWithEnv) {
  return options.optional("--broker", values, description);
}

/** The option for the broker of a client, which logs in as its user. */
export function clientBrokerOption(options: OptionsWithEnv) {
  return options.optional(
    "--broker",
    brokerUrl({ forPasswords: "set CHATD_BROKER instead" }),
    "URL of the broker, amqp:// or amqps://; USER:PASSWORD@ only for a login that all users share, in CHATD_BROKER; " +
      "amqp://127.0.0.1:5672 unless given here or in the profile",
  );
}

/** The options for secrets that a server and its broker share. */
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

/** The options for the authorization endpoint and the CA. */
export function brokerContactOptions(options: OptionsWithEnv) {
  return {
    caFile: options.optional("--ca", path("FILE"), "CA to trust instead of the system's, PEM"),
    authListen: options.withDefault("--broker-auth-listen", hostPort({ allowPort0: false }), {
      standard: "127.0.0.1:15680",
      description: "Address to listen on for the broker's authorization requests",
    }),
  };
}

/** All options of a server with a broker but the broker itself. */
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
