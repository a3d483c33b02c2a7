import { object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import { choice, integer, type ValueParser } from "@optique/core/valueparser";
import { logLevels } from "../../app/log_level.ts";
import { type Limits, standardLimits } from "../../core/limits.ts";
import type { OptionsWithEnv } from "../options_with_env.ts";
import { path, size } from "../value_parsers.ts";

const mebibyte = 1024 * 1024;

/** What every server can be told, as parts of an `object()`; {@link limitOptions} are the rest. */
export function serverOptions(options: OptionsWithEnv) {
  return {
    dataDir: options.withDefault("--data", path("DIR"), {
      standard: "./data",
      description: "Folder of accounts and messages; made if there is none",
    }),
    registration: options.withDefault("--registration", choice(["open", "invite", "closed"]), {
      standard: "open",
      description: "Who may register",
    }),
    supervise: options.onUnlessNegated("--supervise", "Restart the serving process when it dies"),
    supervised: options.internal("--supervised"),
    logLevel: options.withDefault("--log-level", choice(logLevels), {
      standard: "info",
      description: "What to write on stderr",
    }),
  };
}

/** What users may use of every server, as a group of options of its own. */
export function limitOptions(options: OptionsWithEnv) {
  const parser = object({
    perSecond: count("--rate", 200, "Requests of each user in a second, when it goes on"),
    burst: count("--burst", 1_000, "Requests of each user at once, after a rest"),
    maxUsers: count("--max-users", standardLimits.maxUsers, "Accounts"),
    maxRoomsPerUser: count("--max-rooms-per-user", standardLimits.maxRoomsPerUser, "Rooms that a user may create"),
    maxMemberships: count("--max-memberships", standardLimits.maxMemberships, "Rooms that a user may be in"),
    maxRoomMembers: count("--max-room-members", standardLimits.maxRoomMembers, "Users who may be in a room"),
    maxFileBytes: bytes("--max-file-size", standardLimits.maxFileBytes, "Size of a file"),
    uploadQuotaBytes: bytes("--upload-quota", standardLimits.uploadQuotaBytes, "Size of all files of a user together"),
    maxDiskBytes: options.optional(
      "--max-disk",
      size({ min: 16 * mebibyte }),
      "Size of the database and all files together; what the disk holds unless given",
    ),
    deletedAccounts: options.withDefault("--deleted-accounts", choice(["anonymize", "erase"]), {
      standard: "anonymize",
      description: "What becomes of the messages of those who delete their account",
    }),
  });
  return map(parser, ({ perSecond, burst, deletedAccounts, ...limits }) => ({
    rate: { perSecond, burst },
    limits: limits satisfies Limits,
    deletedAccounts,
  }));

  function count(name: `--${string}`, standard: number, description: string) {
    return withStandard(name, integer({ metavar: "COUNT", min: 1, max: 1_000_000 }), { standard, description });
  }

  function bytes(name: `--${string}`, standard: number, description: string) {
    return withStandard(name, size({ min: 0 }), { standard, description });
  }

  function withStandard(
    name: `--${string}`,
    values: ValueParser<"sync", number>,
    { standard, description }: { standard: number; description: string },
  ) {
    return options.withDefault(name, values, { standard: values.format(standard), description });
  }
}
