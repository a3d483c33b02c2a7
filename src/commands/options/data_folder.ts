import { object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import type { StorePlace } from "../../app/operator.ts";
import { optionalDatabase } from "./database_options.ts";
import type { OptionsWithEnv } from "./options_with_env.ts";
import { path } from "./value_parsers.ts";

/** The options of an operator's command on a store. */
export interface StoreOptions {
  readonly place: StorePlace;
}

/** The options of a command on a data folder. */
export interface DataFolderOptions {
  /** As the operator wrote it, relative to the working directory. */
  readonly dataDir: string;
}

/** The option for the data folder, which the server's configuration file may set. */
export function dataFolder(options: OptionsWithEnv): Parser<"sync", string, unknown> {
  const folder = object({
    dataDir: options.section("").withDefault("--data", path("DIR"), {
      standard: "./data",
      description: "Data folder of the server",
    }),
    configFile: options.optional("--config", path("FILE"), "Configuration file of the server, which may set --data"),
  });
  return map(folder, ({ dataDir }) => dataDir);
}

/** The options for the store of a server: its data folder, or its database. */
export function storePlace(options: OptionsWithEnv): Parser<"sync", StorePlace, unknown> {
  return object({ dataDir: dataFolder(options), database: optionalDatabase(options) });
}

/** The options of a command that needs only the store. */
export function storeOptions(options: OptionsWithEnv): Parser<"sync", StoreOptions, unknown> {
  return object("Options", { place: storePlace(options) });
}
