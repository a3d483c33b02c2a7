import { group, merge, object } from "@optique/core/constructs";
import { type Message, message, text } from "@optique/core/message";
import { map, withDefault } from "@optique/core/modifiers";
import type { NonEmptyString } from "@optique/core/nonempty";
import type { Parser } from "@optique/core/parser";
import { flag, option } from "@optique/core/primitives";
import { integer, type ValueParser } from "@optique/core/valueparser";
import type { BenchOptions } from "../../bench/bench_options.ts";
import { type SystemName, systemNames, type WorkloadName, workloadNames } from "../../bench/result.ts";
import type { RelayKind } from "../../bench/relays/run_relay.ts";
import type { BenchEnd } from "../../bench/run_bench.ts";
import { type CommandEntry, defineCommand } from "../command.ts";
import { clientExitCode, exitCode } from "../exit_code.ts";
import { clientTls } from "../options/client_tls.ts";
import { combineDatabase } from "../options/database_options.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { plainOption } from "../options/plain_option.ts";
import { UsageError } from "../options/usage_error.ts";
import { brokerUrl, databaseUrl, hostPort, path, words } from "../options/value_parsers.ts";

const exitCodes: Readonly<Record<BenchEnd, number>> = {
  done: exitCode.done,
  incomplete: exitCode.failed,
  interrupted: exitCode.interrupted,
};

export const benchCommand: CommandEntry = defineCommand({
  name: "bench",
  brief: "Measure throughput and latency on this machine",
  description:
    "Loads servers over gRPC and RabbitMQ with prebuilt frames, and compares them with relays and a bare broker, which " +
    "keep nothing. Starts a server on a temporary folder for each run, or measures a running one. The default workloads " +
    "take about a quarter of an hour. Exits with 1 if a measurement is missing.",
  options: benchOptions,
  load: async () => {
    const { runBench } = await import("../../bench/run_bench.ts");
    return async (options) => exitCodes[await runBench(options)];
  },
  exitCodeOf: clientExitCode,
});

const standardWorkloads: readonly WorkloadName[] = ["w1", "w2", "w3", "w4", "w6"];

/**
 * None of the options has an environment variable: variables that name a server are meant for clients, not for load
 * tests.
 */
function benchOptions(options: OptionsWithEnv): Parser<"sync", BenchOptions, unknown> {
  const main = object({
    grpcRelay: options.internal("--relay"),
    socketRelay: options.internal("--socket-relay"),
    workloads: withDefault(
      option("--workload", listOf<WorkloadName>("WORKLOADS", workloadNames), {
        description: [text(
          "Workloads, separated by commas: w1 busy pairs, w2 one message at a time, w3 logins and idle sessions, w4 a " +
            "large room, w5 w1 on a full log, which takes long to fill and needs 5 GB, w6 people as they are; w5 " +
            "includes w1 for comparison",
        )],
      }),
      standardWorkloads,
      { message: [text(standardWorkloads.join(","))] },
    ),
    systems: plainOption(
      "--system",
      listOf<SystemName>("SYSTEMS", systemNames),
      `Systems to measure, separated by commas; all unless given: ${systemNames.join(", ")}`,
    ),
    seconds: withDefault(
      option("--seconds", integer({ metavar: "SECONDS", min: 1, max: 3_600 }), {
        description: [text("Duration of a rate measurement after a warm-up")],
      }),
      10,
      { message: message`10` },
    ),
    rounds: withDefault(
      option("--rounds", integer({ metavar: "COUNT", min: 1, max: 100 }), {
        description: [text("Rounds to measure, interleaved; the median round counts")],
      }),
      1,
      { message: message`1` },
    ),
    sessions: withDefault(
      option("--sessions", integer({ metavar: "COUNT", min: 1, max: 100_000 }), {
        description: [
          text(
            "Sessions of w3, of which 1000 at most over a broker; each takes a file descriptor here and one in the server",
          ),
        ],
      }),
      10_000,
      { message: message`10000` },
    ),
    messages: withDefault(
      option("--messages", integer({ metavar: "COUNT", min: 1_000, max: 1_000_000_000 }), {
        description: [text("Messages in the log of w5 before the measurement")],
      }),
      10_000_000,
      { message: message`10000000` },
    ),
    storeFolder: plainOption(
      "--store",
      path("DIR"),
      "Folder to keep the full store of w5 in; a later bench reuses it",
    ),
    folder: plainOption(
      "--folder",
      path("DIR"),
      "Folder for temporary data folders; its disk is part of the measurement",
    ),
    databaseUrl: plainOption(
      "--database",
      databaseUrl().onCommandLine!,
      "PostgreSQL for the rows of grpc-database: postgres://USER@HOST/NAME; each run makes a schema and drops it",
    ),
    passwordFile: plainOption(
      "--database-password-file",
      path("FILE"),
      "File with the password of the database's user on its first line",
    ),
    databaseCaFile: plainOption(
      "--database-ca-file",
      path("FILE"),
      "CA of the database's certificate to trust instead of the system's, PEM",
    ),
    json: withDefault(flag("--json", { description: [text("Print the results as JSON")] }), false),
    htmlFile: plainOption("--html", path("FILE"), "Also write an HTML page with plots"),
  });
  const running = object({
    server: plainOption(
      "--server",
      hostPort({ allowPort0: false }),
      "Server to measure; the accounts and messages stay there",
    ),
    serverPid: plainOption("--server-pid", processId(), "PID of the server on this machine, to measure CPU and memory"),
    broker: plainOption(
      "--broker",
      brokerUrl({ forPasswords: "clients log in as users" }).onCommandLine!,
      "Broker of the server, for amqp",
    ),
    brokerPid: plainOption("--broker-pid", processId(), "PID of the broker on this machine"),
    tls: withDefault(flag("--tls", { description: [text("Use TLS; implied by the following four")] }), false),
    caFile: plainOption("--ca", path("FILE"), "CA to trust instead of the system's, PEM"),
    serverName: plainOption("--tls-name", words("NAME"), "Name in the server's certificate"),
    certFile: plainOption("--tls-cert", path("FILE"), "Client certificate, PEM"),
    keyFile: plainOption("--tls-key", path("FILE"), "Private key of the client certificate, PEM"),
    insecure: withDefault(
      flag("--insecure", { description: [text("Allow connections beyond this machine without TLS")] }),
      false,
    ),
  });
  const all = merge(group("Options", main), group("Running server", running));
  return map(all, ({ tls, caFile, serverName, certFile, keyFile, grpcRelay, socketRelay, ...given }) => {
    const { databaseUrl, passwordFile, databaseCaFile, ...rest } = given;
    const database = combineDatabase({ url: databaseUrl, passwordFile, caFile: databaseCaFile });
    const relay: RelayKind | undefined = grpcRelay ? "grpc" : socketRelay ? "socket" : undefined;
    const parsed = { ...rest, relay, database, tls: clientTls(tls, { caFile, serverName, certFile, keyFile }) };
    requireServer(parsed);
    return parsed;
  });
}

/** @throws {UsageError} if an option about a server is given without `--server` */
function requireServer({ server, serverPid, broker, brokerPid, tls }: BenchOptions): void {
  if (server === undefined) {
    const given = { "--server-pid": serverPid, "--broker": broker, "--broker-pid": brokerPid, "--tls": tls };
    const [useless] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
    if (useless !== undefined) throw new UsageError(`${useless} needs --server.`);
  }
  if (brokerPid !== undefined && broker === undefined) throw new UsageError("--broker-pid needs --broker.");
}

function processId(): ValueParser<"sync", number> {
  return integer({ metavar: "PID", min: 1 });
}

/** Parses a list such as "w1,w2", and removes duplicates; the result is in the order of `names`. */
function listOf<Name extends string>(
  metavar: NonEmptyString,
  names: readonly Name[],
): ValueParser<"sync", readonly Name[]> {
  return {
    mode: "sync",
    metavar,
    placeholder: names,
    format: (list) => list.join(","),
    parse: (input) => {
      const given = input.split(",");
      const unknown = given.find((name) => !names.some((known) => known === name));
      if (unknown !== undefined) return { success: false, error: unknownName(unknown, names) };
      return { success: true, value: names.filter((name) => given.includes(name)) };
    },
    *suggest(prefix) {
      const before = prefix.slice(0, prefix.lastIndexOf(",") + 1);
      for (const name of names) if (!before.split(",").includes(name)) yield { kind: "literal", text: before + name };
    },
  };
}

function unknownName(name: string, names: readonly string[]): Message {
  return message`Unknown name ${name}: choose from ${text(names.join(", "))}.`;
}
