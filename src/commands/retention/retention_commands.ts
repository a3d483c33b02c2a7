import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { type CommandEntry, defineCommand, defineGroup } from "../command.ts";
import { storeOptions, storePlace } from "../options/data_folder.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { duration, words } from "../options/value_parsers.ts";
import type { RetentionOptions, RetentionSetOptions } from "./run_retention.ts";

export const retentionCommand: CommandEntry = defineGroup({
  word: "retention",
  brief: "Set how long messages are kept",
  description:
    "Manages the rules of conversations, and the rule for all others. A running server applies them at once, and again " +
    "every five minutes.",
  readsConfig: true,
  entries: [
    defineCommand({
      name: "retention list",
      brief: "List the rules",
      description: "Lists the rules: conversation and limits, separated by a tab.",
      options: storeOptions,
      load: async () => (await import("./run_retention.ts")).listRules,
    }),
    defineCommand({
      name: "retention set",
      brief: "Set a rule",
      description:
        "Limits the entries that a conversation, or every conversation without its own rule, keeps: by age, by number, " +
        "or by both. Without a limit, all entries are kept. Removed entries cannot be recovered.",
      options: retentionSetOptions,
      load: async () => (await import("./run_retention.ts")).setRule,
    }),
    defineCommand({
      name: "retention unset",
      brief: "Remove a rule",
      description: "Removes a rule. The rule for all other conversations applies from now on, if there is one.",
      options: retentionOptions,
      load: async () => (await import("./run_retention.ts")).unsetRule,
    }),
  ],
});

function retentionOptions(options: OptionsWithEnv): Parser<"sync", RetentionOptions, unknown> {
  return object("Options", { conversation: conversation(), place: storePlace(options) });
}

function retentionSetOptions(options: OptionsWithEnv): Parser<"sync", RetentionSetOptions, unknown> {
  return object("Options", {
    conversation: conversation(),
    place: storePlace(options),
    maxAgeMs: options.optional("--max-age", duration(), "Maximum age of entries: 90d, 12h"),
    maxEntries: options.optional(
      "--max-entries",
      integer({ metavar: "COUNT", min: 1, max: Number.MAX_SAFE_INTEGER }),
      "Maximum number of entries; the newest are kept",
    ),
  });
}

function conversation(): Parser<"sync", string, unknown> {
  const description =
    '"all" for every conversation without a rule of its own; "ana:ben" for two people; "#ops" or an id for a room';
  return argument(words("CONVERSATION"), { description: [text(description)] });
}
