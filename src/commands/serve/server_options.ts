import { object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import { choice } from "@optique/core/valueparser";
import { type Limits, standardLimits, standardRate } from "../../core/limits.ts";
import { logFormats, logLevels } from "../../host/logging/log_options.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { count, hostPort, path, type SettingParser, size } from "../options/value_parsers.ts";

const mebibyte = 1024 * 1024;

/** What every server can be told, as parts of an `object()`; {@link limitOptions} are the rest. */
export function serverOptions(options: OptionsWithEnv) {
  const settings = options.section("");
  return {
    dataDir: settings.withDefault("--data", path("DIR"), {
      standard: "./data",
      description: "Folder of accounts, messages and files; made if there is none",
    }),
    registration: settings.withDefault("--registration", choice(["open", "invite", "closed"]), {
      standard: "open",
      description: "Who may register",
    }),
    supervise: settings.onUnlessNegated("--supervise", "Restart the serving process when it dies"),
    supervised: options.internal("--supervised"),
    logLevel: settings.withDefault("--log-level", choice(logLevels), {
      standard: "info",
      description: "What to write on stderr",
    }),
    logFormat: settings.withDefault("--log-format", choice(logFormats), {
      standard: "auto",
      description: "How: for people, as JSON, or for people on a terminal and as JSON elsewhere",
    }),
    metricsListen: settings.optional(
      "--metrics-listen",
      hostPort({ allowPort0: true }),
      "Where to show metrics for Prometheus, and health, over HTTP: 127.0.0.1:9464",
    ),
    configFile: options.optional(
      "--config",
      path("FILE"),
      "File with options, TOML; what is given elsewhere comes first",
    ),
    checkConfig: options.once("--check-config", "Only say whether the server could start so"),
  };
}

/** What users may use of every server, as a group of options of its own. */
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
    perSecond: counted("--rate", standardRate.perSecond, "Requests of each user in a second, when it goes on"),
    burst: counted(
      "--burst",
      standardRate.burst,
      "Requests of each user at once, after a rest; long pages and searches count for more",
    ),
    maxUsers: counted("--max-users", standardLimits.maxUsers, "Accounts, beyond which nobody can register"),
    maxRoomsPerUser: counted(
      "--max-rooms-per-user",
      standardLimits.maxRoomsPerUser,
      "Rooms that a user may create, without those they left",
    ),
    maxMemberships: counted("--max-memberships", standardLimits.maxMemberships, "Rooms that a user may be in"),
    maxRoomMembers: counted("--max-room-members", standardLimits.maxRoomMembers, "Users who may be in a room"),
    maxFileBytes: bytes("--max-file-size", standardLimits.maxFileBytes, "Size of a file"),
    uploadQuotaBytes: bytes("--upload-quota", standardLimits.uploadQuotaBytes, "Size of all files of a user together"),
    maxDiskBytes: settings.optional(
      "--max-disk",
      size({ min: 16 * mebibyte }),
      "Size of the database and all files together; what the disk holds unless given",
    ),
    deletedAccounts: settings.withDefault("--deleted-accounts", choice(["anonymize", "erase"]), {
      standard: "anonymize",
      description: "What becomes of the messages of those who delete their account",
    }),
  });
  return map(parser, ({ perSecond, burst, deletedAccounts, ...limits }) => ({
    rate: { perSecond, burst },
    limits: limits satisfies Limits,
    deletedAccounts,
  }));
}
