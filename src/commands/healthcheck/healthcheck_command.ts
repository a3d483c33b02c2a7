import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { dataFolder, type DataFolderOptions } from "../options/data_folder.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";

export const healthcheckCommand: CommandEntry = defineCommand({
  name: "healthcheck",
  brief: "Check that the server of a data folder answers",
  description:
    "Sends a request to the running server through the socket in its data folder. Exits with 0 if it answers, also " +
    "while it stands by, otherwise with 1: for health checks of containers.",
  options: healthcheckOptions,
  load: async () => (await import("./run_healthcheck.ts")).runHealthcheck,
  readsConfig: true,
});

function healthcheckOptions(options: OptionsWithEnv): Parser<"sync", DataFolderOptions, unknown> {
  return map(dataFolder(options), (dataDir) => ({ dataDir }));
}
