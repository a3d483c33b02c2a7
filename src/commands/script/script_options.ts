import { group, merge, object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import { map, multiple, withDefault } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import { choice, integer } from "@optique/core/valueparser";
import { sourcedTlsOptions } from "../options/client_tls.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv, Sourced } from "../options/options_with_env.ts";
import { plainOption } from "../options/plain_option.ts";
import { UsageError } from "../options/usage_error.ts";
import {
  address,
  brokerUrl,
  duration,
  path,
  profileName,
  scriptName,
  serverAddresses,
  userName,
} from "../options/value_parsers.ts";
import type { ConnectionChoice } from "./connection.ts";
import { completePlace, givenPlace, type SourcedPlace } from "./given_place.ts";

/** Combines the options of a command with those of its connection. */
export function withConnection<T extends object>(
  main: Parser<"sync", T, unknown>,
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", T & { readonly connection: ConnectionChoice }, unknown> {
  const connection = object({
    profile: options.sourced("--profile", profileName(), profileDescription),
    user: options.sourced("--user", userName(), "Your user name, instead of the profile's"),
  });
  // The types of merge() do not support a type parameter.
  const own = group("Options", main) as Parser<"sync", { own?: never }, Record<string, unknown>>;
  const place = group("Connection instead of the profile's", placeOptions(options));
  return map(merge(own, group("Profile", connection), place, encryptionOptions(options)), (parsed) => {
    const { profile, passwordFile, user, via, servers, broker, ...rest } = parsed;
    const { tls, caFile, serverName, certFile, keyFile, insecure, ...mine } = rest;
    const files = { caFile, serverName, certFile, keyFile };
    const choice = connectionChoice(profile, { user, via, servers, broker, tls, insecure, ...files });
    const secrets = { passwordFile, password: env("CHATD_PASSWORD") || undefined };
    return { ...(mine as unknown as T), connection: { ...choice, ...secrets } };
  });
}

/** @throws {UsageError} */
function connectionChoice(profile: Sourced<string> | undefined, sourced: SourcedPlace): ConnectionChoice {
  const isNamed = profile?.from === "command line";
  const given = givenPlace(sourced, { onlyCommandLine: isNamed });
  const typed = givenPlace(sourced, { onlyCommandLine: true });
  if (!isNamed && typed.via !== undefined && (sourced.via?.from === "command line" || typed.user !== undefined)) {
    const { user } = given;
    if (user !== undefined) return { direct: completePlace({ ...given, user }) };
    throw new UsageError("--via needs --user NAME or --profile NAME, and may need --server or --broker.");
  }
  return { profile: profile?.value, ...(Object.keys(given).length > 0 && { given }) };
}

export function placeOptions(options: OptionsWithEnv) {
  return object({
    via: options.sourced(
      "--via",
      choice(["grpc", "amqp"], { metavar: "TRANSPORT" }),
      "Transport; grpc unless a broker is given",
    ),
    servers: options.sourced(
      "--server",
      serverAddresses(),
      "Address of the server, for gRPC; several, separated by commas, are tried in turn; 127.0.0.1:50051 unless given",
    ),
    broker: options.sourced(
      "--broker",
      brokerUrl({ forPasswords: "set CHATD_BROKER instead" }),
      "URL of the broker, for AMQP; amqp://127.0.0.1:5672 unless given",
    ),
    passwordFile: options.optional("--password-file", path("FILE"), "File with the password on its first line"),
  });
}

export function encryptionOptions(options: OptionsWithEnv) {
  return group("Encryption", sourcedTlsOptions(options));
}

const profileDescription = 'Name of a profile of "chatd login"; default unless given';

export function profileOption(options: OptionsWithEnv) {
  return options.optional("--profile", profileName(), profileDescription);
}

export function conversationsOption() {
  return multiple(
    option("--conversation", address(), {
      description: [text("Conversation to include: ben, #ops or +id; repeatable")],
    }),
  );
}

export function consumerNameOption(description: string) {
  return withDefault(option("--name", scriptName(), { description: [text(description)] }), "default");
}

export function seqValue() {
  return integer({ metavar: "NUMBER", min: 1, max: Number.MAX_SAFE_INTEGER });
}

export function countValue() {
  return integer({ metavar: "COUNT", min: 1, max: Number.MAX_SAFE_INTEGER });
}

export function limitOption(standard: number) {
  const values = integer({ metavar: "COUNT", min: 1, max: 1_000_000 });
  return withDefault(option("--limit", values, { description: [text("Maximum number of results")] }), standard);
}

/** The limit of a command that ends by itself; without it, the command gives up at the first failure to connect. */
export function timeoutOption() {
  return plainOption(
    "--timeout",
    duration(),
    "Maximum time for the whole command, with retries until then; without it, the command does not retry",
  );
}

export function jsonOption(options: OptionsWithEnv) {
  return options.once("--json", "Print one JSON object per line");
}
