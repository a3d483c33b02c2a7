import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { clientExitCode } from "../exit_code.ts";
import { brokerContactOptions, brokerSecretOptions, optionalBrokerOption } from "../options/broker_options.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { serverTls, serverTlsOptions } from "../options/server_tls.ts";
import { hostPort, httpUrl, path, size } from "../options/value_parsers.ts";
import type { DoctorOptions } from "./run_doctor.ts";

export const doctorCommand: CommandEntry = defineCommand({
  name: "doctor",
  brief: "Check the whole set-up, and say what to fix",
  description:
    "Checks step by step the configuration file, the data folder and its database, the disk, the certificate, and whether " +
    "the server answers and is of this version; with --broker, also whether RabbitMQ is there, is set up for chatd, asks it " +
    "who may do what, and locks clients in. Takes the options of the server, from the command line or its configuration " +
    "file. Ends with 1 when there is something to fix, and with 4 when no broker is there.",
  options: doctorOptions,
  load: async () => (await import("./run_doctor.ts")).runDoctor,
  exitCodeOf: clientExitCode,
  readsConfig: true,
});

const mebibyte = 1024 * 1024;

/** What servers are told, as far as doctor looks at it, so that a configuration file says it for both. */
function doctorOptions(options: OptionsWithEnv): Parser<"sync", DoctorOptions, unknown> {
  const [grpc, amqp] = [options.section("grpc"), options.section("amqp")];
  const main = object({
    dataDir: options.section("").withDefault("--data", path("DIR"), {
      standard: "./data",
      description: "The server's data folder",
    }),
    configFile: options.optional("--config", path("FILE"), "The server's configuration file"),
    maxDiskBytes: options.section("limits").optional(
      "--max-disk",
      size({ min: 16 * mebibyte }),
      "What the database and all files may take together",
    ),
    checkDatabase: options.once(
      "--check-database",
      "Read all of the database for damage: takes a while when it is large",
    ),
    json: options.once("--json", "A JSON object for each finding, a line each"),
    insecure: options.flagOfSections(
      "--insecure",
      [grpc, amqp],
      "There is no TLS beyond this machine, for clients and the broker's password",
      ([grpc, amqp]) => ({ grpc, amqp }),
    ),
  });
  const server = object({
    listen: grpc.withDefault("--listen", hostPort({ allowPort0: true }), {
      standard: "127.0.0.1:50051",
      description: "Where the server listens",
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
      "The broker's management plugin; port 15672 of the broker unless given, or 15671 with amqps://",
    ),
  });
  const all = merge(
    group("Options", map(main, (main) => ({ main }))),
    group("gRPC", map(server, (server) => ({ server }))),
    group("RabbitMQ, where a broker is given", map(broker, (broker) => ({ broker }))),
  );
  return map(all, ({ main: { insecure, ...main }, server: { listen, ...files }, broker: { broker, ...contact } }) => ({
    ...main,
    listen,
    tls: serverTls(files),
    insecure: insecure.grpc,
    broker,
    brokerCheck: { ...contact, dataDir: main.dataDir, insecure: insecure.amqp },
  }));
}
