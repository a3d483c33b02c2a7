import { object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import type { OptionsWithEnv } from "./options_with_env.ts";
import { path } from "./value_parsers.ts";

/** The options of an operator's command on a data folder. */
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

/** The options of a command that needs only the data folder. */
export function dataFolderOptions(options: OptionsWithEnv): Parser<"sync", DataFolderOptions, unknown> {
  return object("Options", { dataDir: dataFolder(options) });
}
