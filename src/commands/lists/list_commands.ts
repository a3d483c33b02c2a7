import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import { multiple } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { scriptExitCode } from "../exit_code.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { plainOption } from "../options/plain_option.ts";
import { address, words } from "../options/value_parsers.ts";
import { jsonOption, limitOption, seqValue, timeoutOption, withConnection } from "../script/script_options.ts";
import type { HistoryCommandOptions, ListOptions, SearchCommandOptions } from "./run_lists.ts";

export const historyCommand: CommandEntry = defineCommand({
  name: "history",
  brief: "Print the newest messages of a conversation",
  description: "Prints the newest messages of a conversation, oldest first.",
  options: historyOptions,
  load: async () => (await import("./run_lists.ts")).runHistory,
  exitCodeOf: scriptExitCode,
});

export const searchCommand: CommandEntry = defineCommand({
  name: "search",
  brief: "Find messages by their words",
  description: "Prints messages that contain all of the words, newest first.",
  options: searchOptions,
  load: async () => (await import("./run_lists.ts")).runSearch,
  exitCodeOf: scriptExitCode,
});

export const usersCommand: CommandEntry = defineCommand({
  name: "users",
  brief: "List all users",
  description:
    "Lists all users by name: name, presence, and the display name and the status of users who have them, separated " +
    "by tabs.",
  options: usersOptions,
  load: async () => (await import("./run_lists.ts")).runUsers,
  exitCodeOf: scriptExitCode,
});

function historyOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", HistoryCommandOptions, unknown> {
  const main = object({
    with: option("--with", address(), { description: [text("Conversation to print: ben, #ops or +id")] }),
    limit: limitOption(50),
    before: plainOption("--before", seqValue(), "Print only messages with a lower number than this"),
    events: options.once("--events", "Also print edits, reactions, pins and room events"),
    json: jsonOption(options),
    timeoutMs: timeoutOption(),
  });
  return withConnection(main, options, env);
}

function searchOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", SearchCommandOptions, unknown> {
  const description =
    'Words, "phrases", prefixes (deplo*), -without, from:NAME, in:ADDRESS, before:DATE, after:DATE, ' +
    "has:file, mentions:me, is:unread";
  const main = object({
    words: multiple(argument(words("WORDS"), { description: [text(description)] }), { min: 1 }),
    limit: limitOption(20),
    json: jsonOption(options),
    timeoutMs: timeoutOption(),
  });
  return withConnection(main, options, env);
}

function usersOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", ListOptions, unknown> {
  return withConnection(object({ json: jsonOption(options), timeoutMs: timeoutOption() }), options, env);
}
