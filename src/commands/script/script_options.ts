import { group, merge, object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import { map, multiple, withDefault } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import { choice, integer, type ValueParser } from "@optique/core/valueparser";
import { clientTls, clientTlsOptions } from "../options/client_tls.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { UsageError } from "../options/usage_error.ts";
import { address, brokerUrl, hostPort, path, profileName, scriptName, userName } from "../options/value_parsers.ts";
import type { ConnectionChoice } from "./connection.ts";
import type { Profile } from "./profiles.ts";

const standardServer = { host: "127.0.0.1", port: 50051 };
const standardBroker = { address: { tls: false, host: "127.0.0.1", port: 5672, vhost: "/" } };

/** Combines the options of a command with those of its connection. */
export function withConnection<T extends object>(
  main: Parser<"sync", T, unknown>,
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", T & { readonly connection: ConnectionChoice }, unknown> {
  const connection = object({
    profile: profileOption(options),
    user: options.optional("--user", userName(), "Your user name, without a profile"),
  });
  // The types of merge() do not support a type parameter.
  const own = group("Options", main) as Parser<"sync", { own?: never }, Record<string, unknown>>;
  const place = group("Connection without a profile", placeOptions(options));
  return map(merge(own, group("Profile", connection), place, encryptionOptions(options)), (parsed) => {
    const { profile, passwordFile, user, via, server, broker, ...rest } = parsed;
    const { tls, caFile, serverName, certFile, keyFile, insecure, ...mine } = rest;
    const files = { caFile, serverName, certFile, keyFile };
    const choice = connectionChoice(profile, { user, via, server, broker, tls, insecure, ...files });
    const secrets = { passwordFile, password: env("CHATD_PASSWORD") || undefined };
    return { ...(mine as unknown as T), connection: { ...choice, ...secrets } };
  });
}

/** @throws {UsageError} */
function connectionChoice(profile: string | undefined, { user, ...place }: Omit<Place, "user"> & { user?: string }) {
  if (place.via === undefined && (profile !== undefined || user === undefined)) {
    if (place.server === undefined && place.broker === undefined && user === undefined) return { profile };
    throw new UsageError(
      "A profile already sets the user and server: omit --user, --server and --broker, and unset CHATD_USER, " +
        "CHATD_SERVER and CHATD_BROKER; or use --via and --user instead of the profile.",
    );
  }
  if (profile !== undefined) throw new UsageError("--profile and --via exclude each other.");
  if (user === undefined) throw new UsageError("--via needs --user NAME, and may need --server or --broker.");
  return { direct: directProfile({ user, ...place }) };
}

export function placeOptions(options: OptionsWithEnv) {
  return object({
    via: options.optional(
      "--via",
      choice(["grpc", "amqp"], { metavar: "TRANSPORT" }),
      "Transport; grpc unless a broker is given",
    ),
    server: options.optional(
      "--server",
      hostPort({ allowPort0: false }),
      "Address of the server, for gRPC; 127.0.0.1:50051 unless given",
    ),
    broker: options.optional(
      "--broker",
      brokerUrl({ forPasswords: "set CHATD_BROKER instead" }),
      "URL of the broker, for AMQP; amqp://127.0.0.1:5672 unless given",
    ),
    passwordFile: options.optional("--password-file", path("FILE"), "File with the password on its first line"),
  });
}

export function encryptionOptions(options: OptionsWithEnv) {
  return group("Encryption", clientTlsOptions(options));
}

type Place = {
  readonly user: string;
  readonly via?: "grpc" | "amqp";
  readonly server?: ReturnType<typeof hostPort> extends ValueParser<"sync", infer T> ? T : never;
  readonly broker?: ReturnType<typeof brokerUrl> extends ValueParser<"sync", infer T> ? T : never;
  readonly tls: boolean;
  readonly caFile?: string;
  readonly serverName?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly insecure: boolean;
};

/** @throws {UsageError} */
export function directProfile({ user, via, server, broker, tls, insecure, ...files }: Place): Profile {
  const { caFile, serverName, certFile, keyFile } = files;
  // The environment may set the other one for another command, so only --via decides between the two.
  if ((via ?? (broker === undefined ? "grpc" : "amqp")) === "amqp") {
    if (via === undefined && server !== undefined) {
      throw new UsageError("--server and --broker exclude each other, unless --via chooses one.");
    }
    return { via: "amqp", user, broker: broker ?? standardBroker, caFile, insecure };
  }
  return {
    via: "grpc",
    user,
    server: server ?? standardServer,
    tls: clientTls(tls, { caFile, serverName, certFile, keyFile }),
    insecure,
  };
}

export function profileOption(options: OptionsWithEnv) {
  return options.optional(
    "--profile",
    profileName(),
    'Name of a profile of "chatd login"; default unless given',
  );
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

export function jsonOption(options: OptionsWithEnv) {
  return options.once("--json", "Print one JSON object per line");
}
