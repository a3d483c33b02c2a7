import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { type CommandEntry, defineCommand, defineGroup } from "../command.ts";
import { dataFolder, dataFolderOptions } from "../options/data_folder.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { duration, words } from "../options/value_parsers.ts";
import type { RetentionOptions, RetentionSetOptions } from "./run_retention.ts";

export const retentionCommand: CommandEntry = defineGroup({
  word: "retention",
  brief: "Say how long messages are kept",
  description:
    "Rules for conversations, and one for all that have none. A running server applies them at once, and every five minutes.",
  readsConfig: true,
  entries: [
    defineCommand({
      name: "retention list",
      brief: "List the rules",
      description: "Lists the rules: for what, and what is kept, separated by tabs.",
      options: dataFolderOptions,
      load: async () => (await import("./run_retention.ts")).listRules,
    }),
    defineCommand({
      name: "retention set",
      brief: "Keep only what is new",
      description:
        "Sets what a conversation, or every one without a rule of its own, keeps: entries up to an age, a number of " +
        "the newest, of both the fewer; with neither, everything. What goes is gone for ever.",
      options: retentionSetOptions,
      load: async () => (await import("./run_retention.ts")).setRule,
    }),
    defineCommand({
      name: "retention unset",
      brief: "Take a rule back",
      description: "Takes a rule back: the one for all counts from now on, or none.",
      options: retentionOptions,
      load: async () => (await import("./run_retention.ts")).unsetRule,
    }),
  ],
});

function retentionOptions(options: OptionsWithEnv): Parser<"sync", RetentionOptions, unknown> {
  return object("Options", { conversation: conversation(), dataDir: dataFolder(options) });
}

function retentionSetOptions(options: OptionsWithEnv): Parser<"sync", RetentionSetOptions, unknown> {
  return object("Options", {
    conversation: conversation(),
    dataDir: dataFolder(options),
    maxAgeMs: options.optional("--max-age", duration(), "Entries that are older go: 90d, 12h"),
    maxEntries: options.optional(
      "--max-entries",
      integer({ metavar: "COUNT", min: 1, max: Number.MAX_SAFE_INTEGER }),
      "So many of the newest entries stay",
    ),
  });
}

function conversation(): Parser<"sync", string, unknown> {
  const description =
    '"all" for every conversation without a rule of its own; "ana:ben" for two people; "#ops" or an id for a room';
  return argument(words("CONVERSATION"), { description: [text(description)] });
}
