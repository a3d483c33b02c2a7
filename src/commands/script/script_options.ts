import { group, merge, object } from "@optique/core/constructs";
import { message, text } from "@optique/core/message";
import { map, multiple, optional, withDefault } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { argument, option } from "@optique/core/primitives";
import { choice, integer, type ValueParser } from "@optique/core/valueparser";
import type { BotCommandOptions } from "../bot/run_bot.ts";
import type { ConnectionChoice } from "./connection.ts";
import type {
  HistoryCommandOptions,
  ListOptions,
  RoomsCommandOptions,
  SearchCommandOptions,
} from "../lists/run_lists.ts";
import type { ScriptLoginOptions } from "../login/run_login.ts";
import { defaultProfile, type Profile } from "./profiles.ts";
import type { SendCommandOptions } from "../send/run_send.ts";
import type { Since, TailCommandOptions } from "../tail/run_tail.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { UsageError } from "../options/usage_error.ts";
import {
  address,
  brokerUrl,
  commandWords,
  duration,
  hostPort,
  path,
  profileName,
  scriptName,
  since,
  userName,
  words,
} from "../options/value_parsers.ts";
import { clientTls, tlsOptions } from "../chat/grpc_client_command.ts";

const standardServer = { host: "127.0.0.1", port: 50051 };
const standardBroker = { address: { tls: false, host: "127.0.0.1", port: 5672, vhost: "/" } };

/** What `chatd logout` is asked to do. */
export interface LogoutOptions {
  readonly name: string;
}

/** What `chatd profiles` is asked to do. */
export interface ProfilesOptions {
  readonly json: boolean;
}

export function loginOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", ScriptLoginOptions, unknown> {
  const main = object({
    profile: profileOption(options),
    user: options.required("--user", userName(), "Who you are"),
    invite: options.optional("--invite", words("CODE"), "Invitation to register with"),
  });
  const all = merge(group("Options", main), group("Connection", placeOptions(options)), encryption(options));
  return map(all, ({ profile = defaultProfile, invite, passwordFile, ...place }) => ({
    name: profile,
    profile: directProfile(place),
    invite,
    passwordFile,
    password: env("CHATD_PASSWORD") || undefined,
  }));
}

export function logoutOptions(options: OptionsWithEnv): Parser<"sync", LogoutOptions, unknown> {
  return map(object("Options", { profile: profileOption(options) }), ({ profile = defaultProfile }) => ({
    name: profile,
  }));
}

export function profilesOptions(options: OptionsWithEnv): Parser<"sync", ProfilesOptions, unknown> {
  return object("Options", { json: json(options) });
}

export function sendOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", SendCommandOptions, unknown> {
  const main = object({
    to: option("--to", address(), { description: [text("Whom or what to write to: ben, #ops or +id")] }),
    words: multiple(argument(words("TEXT"), { description: [text("The message; with none, it comes from stdin")] })),
    lines: options.once("--lines", "Each line of stdin is a message"),
    replyTo: plain("--reply-to", seq(), "The number of the message that it answers"),
    file: plain("--file", path("FILE"), "Attach this file"),
    automatic: options.once(
      "--automatic",
      "Mark it as written by a program in answer to something: bots do not answer it",
    ),
    json: options.once("--json", "Print what was accepted, a JSON object for each line"),
    timeoutMs: withDefault(
      option("--timeout", duration(), { description: [text("How long to try without a connection")] }),
      60_000,
      { message: message`60s` },
    ),
  });
  return map(withConnection(main, options, env), (parsed) => {
    if (parsed.lines && (parsed.words.length > 0 || parsed.file !== undefined)) {
      throw new UsageError("--lines takes messages from stdin: leave out TEXT and --file.");
    }
    return parsed;
  });
}

export function tailOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", TailCommandOptions, unknown> {
  const main = object({
    conversations: conversations(),
    since: plain<Since>("--since", since(), "Begin there, not where it stopped: a message's number, or a time"),
    count: plain("--count", seq(), "End after so many"),
    events: options.once("--events", "Print edits, reactions, and what happens to rooms too"),
    json: json(options),
    name: consumerName("Its place in the log is kept under this name"),
  });
  return map(withConnection(main, options, env), (parsed) => {
    if (parsed.since !== undefined && "seq" in parsed.since && parsed.conversations.length !== 1) {
      throw new UsageError("--since with a number is about one conversation: give --conversation once, or a time.");
    }
    return parsed;
  });
}

export function botOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", BotCommandOptions, unknown> {
  const main = object({
    command: option("--exec", commandWords(), {
      description: [text("What to run for each message, without a shell: a program and its arguments")],
    }),
    conversations: conversations(),
    mentionsOnly: options.once("--mentions-only", "In rooms, only for messages that name it (@name)"),
    name: consumerName("Its place in the log is kept under this name"),
    concurrency: withDefault(
      option("--concurrency", integer({ metavar: "COUNT", min: 1, max: 64 }), {
        description: [text("How many run at once; in one conversation it is one")],
      }),
      4,
    ),
    timeoutMs: withDefault(
      option("--timeout", duration(), { description: [text("How long each may run")] }),
      60_000,
      { message: message`60s` },
    ),
  });
  return withConnection(main, options, env);
}

export function historyOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", HistoryCommandOptions, unknown> {
  const main = object({
    with: option("--with", address(), { description: [text("Which conversation: ben, #ops or +id")] }),
    limit: limit(50),
    before: plain("--before", seq(), "Only what is older than the message with this number"),
    events: options.once("--events", "Print edits, reactions, and what happens to rooms too"),
    json: json(options),
  });
  return withConnection(main, options, env);
}

export function searchOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", SearchCommandOptions, unknown> {
  const description = 'Words, "phrases", beginnings (deplo*), -without, from:NAME, in:ADDRESS, before:DATE, after:DATE';
  const main = object({
    words: multiple(argument(words("WORDS"), { description: [text(description)] }), { min: 1 }),
    limit: limit(20),
    json: json(options),
  });
  return withConnection(main, options, env);
}

export function usersOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", ListOptions, unknown> {
  return withConnection(object({ json: json(options) }), options, env);
}

export function roomsOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", RoomsCommandOptions, unknown> {
  const main = object({
    query: optional(argument(words("QUERY"), { description: [text("What their name or topic has in it")] })),
    mine: options.once("--mine", "Those that you are in, private ones too"),
    invited: options.once("--invited", "Those that you are invited to, and by whom"),
    json: json(options),
  });
  const checked = map(main, (chosen) => {
    if (!chosen.mine || !chosen.invited) return chosen;
    throw new UsageError("--mine and --invited list different rooms: give one of them.");
  });
  return withConnection(checked, options, env);
}

/** Options of a command's own, and where to go. */
function withConnection<T extends object>(
  main: Parser<"sync", T, unknown>,
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", T & { readonly connection: ConnectionChoice }, unknown> {
  const connection = object({
    profile: profileOption(options),
    user: options.optional("--user", userName(), "Who you are, without a profile"),
  });
  // merge() cannot follow a type parameter.
  const own = group("Options", main) as Parser<"sync", { own?: never }, Record<string, unknown>>;
  const place = group("Connection without a profile", placeOptions(options));
  return map(merge(own, group("Profile", connection), place, encryption(options)), (parsed) => {
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
      "A profile says who you are and where to go: give no --user, --server or --broker with it, and unset CHATD_USER, " +
        "CHATD_SERVER and CHATD_BROKER; or say --via and --user instead.",
    );
  }
  if (profile !== undefined) throw new UsageError("--profile and --via say both where to go: give one of them.");
  if (user === undefined) throw new UsageError("--via needs --user NAME, and may need --server or --broker.");
  return { direct: directProfile({ user, ...place }) };
}

function placeOptions(options: OptionsWithEnv) {
  return object({
    via: options.optional("--via", choice(["grpc", "amqp"]), "How to go there; gRPC unless a broker is given"),
    server: options.optional("--server", hostPort({ allowPort0: false }), "The server, over gRPC; 127.0.0.1:50051"),
    broker: options.optional(
      "--broker",
      brokerUrl({ forPasswords: "set CHATD_BROKER instead" }),
      "The broker, over AMQP; amqp://127.0.0.1:5672",
    ),
    passwordFile: options.optional("--password-file", path("FILE"), "File with the password in its first line"),
  });
}

function encryption(options: OptionsWithEnv) {
  return group("Encryption", tlsOptions(options));
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
function directProfile({ user, via, server, broker, tls, insecure, ...files }: Place): Profile {
  const { caFile, serverName, certFile, keyFile } = files;
  // A variable for another command may be there as well: only --via decides between the two.
  if ((via ?? (broker === undefined ? "grpc" : "amqp")) === "amqp") {
    if (via === undefined && server !== undefined) {
      throw new UsageError("--server and --broker say both where to go: give one of them, or --via.");
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

function profileOption(options: OptionsWithEnv) {
  return options.optional(
    "--profile",
    profileName(),
    'The name that "chatd login" kept it under; default unless given',
  );
}

function conversations() {
  return multiple(
    option("--conversation", address(), { description: [text("Only this one: ben, #ops or +id; may be repeated")] }),
  );
}

function consumerName(description: string) {
  return withDefault(option("--name", scriptName(), { description: [text(description)] }), "default");
}

/** Without a variable: it is about one command, and those that a bot runs have others. */
function plain<T>(
  name: `--${string}`,
  values: ValueParser<"sync", T>,
  description: string,
): Parser<"sync", T | undefined, unknown> {
  return optional(option(name, values, { description: [text(description)] }));
}

function seq() {
  return integer({ metavar: "N", min: 1, max: Number.MAX_SAFE_INTEGER });
}

function limit(standard: number) {
  const values = integer({ metavar: "N", min: 1, max: 1_000_000 });
  return withDefault(option("--limit", values, { description: [text("How many, at most")] }), standard);
}

function json(options: OptionsWithEnv) {
  return options.once("--json", "A JSON object for each line");
}
