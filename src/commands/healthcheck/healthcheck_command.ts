import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { dataFolder, type DataFolderOptions } from "../options/data_folder.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";

export const healthcheckCommand: CommandEntry = defineCommand({
  name: "healthcheck",
  brief: "Ask the server of a data folder whether it answers",
  description:
    "Asks the running server over the socket in its data folder, and ends with 0 when it answers, else with " +
    "1: for the health checks of containers.",
  options: healthcheckOptions,
  load: async () => (await import("./run_healthcheck.ts")).runHealthcheck,
  readsConfig: true,
});

function healthcheckOptions(options: OptionsWithEnv): Parser<"sync", DataFolderOptions, unknown> {
  return map(dataFolder(options), (dataDir) => ({ dataDir }));
}
