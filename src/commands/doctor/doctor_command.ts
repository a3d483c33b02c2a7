import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { clientExitCode } from "../exit_code.ts";
import { brokerContactOptions, brokerSecretOptions, optionalBrokerOption } from "../options/broker_options.ts";
import { optionalDatabase } from "../options/database_options.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { serverTls, serverTlsOptions } from "../options/server_tls.ts";
import { UsageError } from "../options/usage_error.ts";
import { hostPort, httpUrl, path, size } from "../options/value_parsers.ts";
import type { DoctorOptions } from "./run_doctor.ts";

export const doctorCommand: CommandEntry = defineCommand({
  name: "doctor",
  brief: "Check the setup and suggest fixes",
  description:
    "Checks the configuration file, the data folder and its database, the disk, the certificate, and whether the server " +
    "answers and has this version. With --database, checks PostgreSQL instead of the folder's database: its hosts, " +
    "settings, nodes, standbys, transactions, connections, and clock. With --broker, also checks that RabbitMQ " +
    "answers, is set up for chatd and asks it for authorization, and that clients cannot bypass the server. Takes the " +
    "server's options from the command line or its configuration file. Exits with 1 if there is a problem to fix, and " +
    "with 4 if the broker cannot be reached.",
  options: doctorOptions,
  load: async () => (await import("./run_doctor.ts")).runDoctor,
  exitCodeOf: clientExitCode,
  readsConfig: true,
});

const mebibyte = 1024 * 1024;

/** The options of servers that doctor checks; both read them from the same configuration file. */
function doctorOptions(options: OptionsWithEnv): Parser<"sync", DoctorOptions, unknown> {
  const [grpc, amqp] = [options.section("grpc"), options.section("amqp")];
  const main = object({
    dataDir: options.section("").withDefault("--data", path("DIR"), {
      standard: "./data",
      description: "Data folder of the server",
    }),
    configFile: options.optional("--config", path("FILE"), "Configuration file of the server"),
    maxDiskBytes: options.section("limits").optional(
      "--max-disk",
      size({ min: 16 * mebibyte }),
      "Maximum size of the database and all files together",
    ),
    checkDatabase: options.once(
      "--check-database",
      "Check the whole database of the data folder for damage; slow if it is large",
    ),
    json: options.once("--json", "Print one JSON object per finding"),
    insecure: options.flagOfSections(
      "--insecure",
      [grpc, amqp],
      "Accept connections beyond this machine without TLS, for clients and to the broker",
      ([grpc, amqp]) => ({ grpc, amqp }),
    ),
  });
  const server = object({
    listen: grpc.withDefault("--listen", hostPort({ allowPort0: true }), {
      standard: "127.0.0.1:50051",
      description: "Address that the server listens on",
    }),
    ...serverTlsOptions(options),
  });
  const broker = object({
    broker: optionalBrokerOption(amqp),
    ...brokerSecretOptions(amqp),
    ...brokerContactOptions(amqp),
    management: amqp.optional(
      "--broker-management",
      httpUrl(),
      "URL of the broker's management plugin; port 15672 of the broker unless given, or 15671 with amqps://",
    ),
  });
  const all = merge(
    group("Options", map(main, (main) => ({ main }))),
    group("PostgreSQL", map(optionalDatabase(options), (database) => ({ database }))),
    group("gRPC", map(server, (server) => ({ server }))),
    group("RabbitMQ, with --broker", map(broker, (broker) => ({ broker }))),
  );
  return map(
    all,
    ({ main: { insecure, ...main }, database, server: { listen, ...files }, broker: { broker, ...contact } }) => {
      if (main.checkDatabase && database !== undefined) {
        throw new UsageError("--check-database is for data folders: check PostgreSQL with pg_amcheck.");
      }
      return {
        ...main,
        database,
        listen,
        tls: serverTls(files),
        insecure: insecure.grpc,
        broker,
        brokerCheck: { ...contact, dataDir: main.dataDir, insecure: insecure.amqp },
      };
    },
  );
}
