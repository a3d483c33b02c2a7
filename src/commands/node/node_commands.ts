import { object } from "@optique/core/constructs";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand, defineGroup } from "../command.ts";
import { clientExitCode } from "../exit_code.ts";
import { databaseFields } from "../options/database_options.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import type { NodeListOptions } from "./run_node_list.ts";

export const nodeCommand: CommandEntry = defineGroup({
  word: "node",
  brief: "List the servers that share a database",
  description: "Shows which of the servers with the same --database serves, and which ones stand by.",
  readsConfig: true,
  entries: [
    defineCommand({
      name: "node list",
      brief: "List the nodes of a database and their states",
      description:
        "Lists the nodes, the serving one first: name, state, version, host, the time when the process began, " +
        'and the seconds since it was last heard of, separated by tabs. A node is "serving", "standby", or "gone" ' +
        "if it has not been heard of for 10 s; after a day, or a stop in order, it is not listed. Exits with 4 if the " +
        "database cannot be reached.",
      options: nodeListOptions,
      load: async () => (await import("./run_node_list.ts")).runNodeList,
      exitCodeOf: clientExitCode,
    }),
  ],
});

function nodeListOptions(options: OptionsWithEnv): Parser<"sync", NodeListOptions, unknown> {
  return object("Options", {
    json: options.once("--json", "Print one JSON object per line"),
    ...databaseFields(options),
  });
}
