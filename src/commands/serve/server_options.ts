import { object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import { choice } from "@optique/core/valueparser";
import { type Limits, standardLimits, standardRate } from "../../core/limits.ts";
import { logFormats, logLevels } from "../../host/logging/log_options.ts";
import { servedDatabase } from "../options/database_options.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { count, hostPort, path, type SettingParser, size } from "../options/value_parsers.ts";

const mebibyte = 1024 * 1024;

/** The options of every server, as parts of an `object()`, apart from {@link limitOptions}. */
export function serverOptions(options: OptionsWithEnv) {
  const settings = options.section("");
  return {
    dataDir: settings.withDefault("--data", path("DIR"), {
      standard: "./data",
      description: "Folder for accounts, messages and files, or with --database for secrets; created if missing",
    }),
    database: servedDatabase(options),
    registration: settings.withDefault("--registration", choice(["open", "invite", "closed"], { metavar: "POLICY" }), {
      standard: "open",
      description: "Registration policy",
    }),
    supervise: settings.onUnlessNegated("--supervise", "Restart the serving process if it crashes"),
    supervised: options.internal("--supervised"),
    logLevel: settings.withDefault("--log-level", choice(logLevels, { metavar: "LEVEL" }), {
      standard: "info",
      description: "Lowest level of log lines on stderr",
    }),
    logFormat: settings.withDefault("--log-format", choice(logFormats, { metavar: "FORMAT" }), {
      standard: "auto",
      description: "Format of the log; auto is text on a terminal and JSON elsewhere",
    }),
    metricsListen: settings.optional(
      "--metrics-listen",
      hostPort({ allowPort0: true }),
      "Address to serve Prometheus metrics and health on over HTTP: 127.0.0.1:9464",
    ),
    configFile: options.optional(
      "--config",
      path("FILE"),
      "Configuration file, TOML; the command line and environment take precedence",
    ),
    checkConfig: options.once("--check-config", "Validate the configuration and exit"),
  };
}

/** The limits of users, as a separate group of options. */
export function limitOptions(options: OptionsWithEnv) {
  const settings = options.section("limits");
  const limit = (
    name: `--${string}`,
    values: SettingParser<number>,
    { standard, description }: { standard: number; description: string },
  ) => settings.withDefault(name, values, { standard: values.format(standard), description });
  const counted = (name: `--${string}`, standard: number, description: string) =>
    limit(name, count(), { standard, description });
  const bytes = (name: `--${string}`, standard: number, description: string) =>
    limit(name, size({ min: 0 }), { standard, description });
  const parser = object({
    perSecond: counted("--rate", standardRate.perSecond, "Requests a user may send per second"),
    burst: counted(
      "--burst",
      standardRate.burst,
      "Requests a user may send at once before rate limiting; long pages and searches count for more",
    ),
    maxUsers: counted("--max-users", standardLimits.maxUsers, "Maximum number of accounts"),
    maxRoomsPerUser: counted(
      "--max-rooms-per-user",
      standardLimits.maxRoomsPerUser,
      "Maximum number of rooms a user may create; rooms they left do not count",
    ),
    maxMemberships: counted(
      "--max-memberships",
      standardLimits.maxMemberships,
      "Maximum number of rooms a user may be in",
    ),
    maxRoomMembers: counted("--max-room-members", standardLimits.maxRoomMembers, "Maximum number of members of a room"),
    maxFileBytes: bytes("--max-file-size", standardLimits.maxFileBytes, "Maximum size of a file"),
    uploadQuotaBytes: bytes(
      "--upload-quota",
      standardLimits.uploadQuotaBytes,
      "Maximum size of all files of a user together",
    ),
    maxDiskBytes: settings.optional(
      "--max-disk",
      size({ min: 16 * mebibyte }),
      "Maximum size of the database and all files together; unlimited unless given",
    ),
    deletedAccounts: settings.withDefault("--deleted-accounts", choice(["anonymize", "erase"], { metavar: "MODE" }), {
      standard: "anonymize",
      description: "How to treat the messages of deleted accounts",
    }),
  });
  return map(parser, ({ perSecond, burst, deletedAccounts, ...limits }) => ({
    rate: { perSecond, burst },
    limits: limits satisfies Limits,
    deletedAccounts,
  }));
}
