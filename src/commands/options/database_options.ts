import { object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import type { DatabaseOptions, NodeOptions } from "../../app/database/database_access.ts";
import type { OptionsWithEnv } from "./options_with_env.ts";
import { UsageError } from "./usage_error.ts";
import { databaseUrl, nodeName, path } from "./value_parsers.ts";

const settingNames = {
  "--database": "url",
  "--database-password-file": "password-file",
  "--database-ca-file": "ca-file",
} as const;

/** The options of a command on a database. */
export function optionalDatabase(options: OptionsWithEnv): Parser<"sync", DatabaseOptions | undefined, unknown> {
  return map(object(parts(options)), combineDatabase);
}

/** Like {@link optionalDatabase}, for a node that serves from the database. */
export function servedDatabase(options: OptionsWithEnv): Parser<"sync", NodeOptions | undefined, unknown> {
  const parser = object({
    ...parts(options),
    node: settingsOf(options).optional(
      "--node",
      nodeName(),
      "Name of this node among those of the database; the name of the host unless given",
    ),
  });
  return map(parser, ({ node, ...rest }) => {
    const database = combineDatabase(rest);
    if (database !== undefined) return { ...database, node };
    if (node !== undefined) throw new UsageError("--node needs --database.");
    return undefined;
  });
}

/** Like {@link optionalDatabase}, for commands that need one. */
export function requiredDatabase(options: OptionsWithEnv): Parser<"sync", DatabaseOptions, unknown> {
  return map(optionalDatabase(options), (database) => {
    if (database !== undefined) return database;
    throw new UsageError("--database is missing: give it, or set CHATD_DATABASE.");
  });
}

/** Options that name a database. */
export interface DatabaseFields {
  readonly database: DatabaseOptions;
}

/** The options of a command that needs a database. */
export function databaseFields(options: OptionsWithEnv) {
  return {
    database: requiredDatabase(options),
    configFile: options.optional(
      "--config",
      path("FILE"),
      "Configuration file of the server, which may set --database",
    ),
  };
}

/** Refuses a database, for commands on data folders alone. `remedy` is the end of a sentence. */
export function withoutDatabase(options: OptionsWithEnv, remedy: string): Parser<"sync", undefined, unknown> {
  return map(optionalDatabase(options), (database) => {
    if (database === undefined) return undefined;
    throw new UsageError(`This command is for data folders, and the data are in PostgreSQL: ${remedy}.`);
  });
}

function settingsOf(options: OptionsWithEnv): OptionsWithEnv {
  return options.section("database", { settingNames });
}

function parts(options: OptionsWithEnv) {
  const settings = settingsOf(options);
  return {
    url: settings.optional(
      "--database",
      databaseUrl(),
      "PostgreSQL to keep the data in instead of the data folder: postgres://USER@HOST/NAME; a password only in " +
        "CHATD_DATABASE, since ps shows the command line",
    ),
    passwordFile: settings.optional(
      "--database-password-file",
      path("FILE"),
      "File with the password of the database's user on its first line",
    ),
    caFile: settings.optional(
      "--database-ca-file",
      path("FILE"),
      "CA of the database's certificate to trust instead of the system's, PEM",
    ),
  };
}

/** @throws {UsageError} for a file without a URL */
export function combineDatabase({ url, ...files }: Partial<DatabaseOptions>): DatabaseOptions | undefined {
  if (url !== undefined) return { url, ...files };
  if (files.passwordFile !== undefined) throw new UsageError("--database-password-file needs --database.");
  if (files.caFile !== undefined) throw new UsageError("--database-ca-file needs --database.");
  return undefined;
}
