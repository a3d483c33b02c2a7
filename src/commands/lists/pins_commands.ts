import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { argument, option } from "@optique/core/primitives";
import { type CommandEntry, defineCommand, defineCommandWithSubcommands } from "../command.ts";
import { scriptExitCode } from "../exit_code.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { address } from "../options/value_parsers.ts";
import { jsonOption, seqValue, timeoutOption, withConnection } from "../script/script_options.ts";
import type { PinChangeOptions, PinListOptions } from "./run_pins.ts";

export const pinsCommand: CommandEntry = defineCommandWithSubcommands({
  name: "pins",
  brief: "Print the pinned messages of a conversation; pin messages",
  description: "Prints the pinned messages of a conversation. The message that was pinned last comes first.",
  options: listOptions,
  load: async () => (await import("./run_pins.ts")).listPins,
  exitCodeOf: scriptExitCode,
}, [
  defineCommand({
    name: "pins add",
    brief: "Pin a message",
    description:
      "Pins a message for all members of its conversation. In a room, moderators and owners can. Succeeds also if the " +
      "message is pinned.",
    options: changeOptions,
    load: async () => (await import("./run_pins.ts")).addPin,
    exitCodeOf: scriptExitCode,
  }),
  defineCommand({
    name: "pins remove",
    brief: "Remove the pin of a message",
    description: "Removes the pin of a message, also one of another user. In a room, moderators and owners can.",
    options: changeOptions,
    load: async () => (await import("./run_pins.ts")).removePin,
    exitCodeOf: scriptExitCode,
  }),
]);

function listOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", PinListOptions, unknown> {
  const main = object({
    with: option("--with", address(), { description: [text("Conversation to print: ben, #ops or +id")] }),
    json: jsonOption(options),
    timeoutMs: timeoutOption(),
  });
  return withConnection(main, options, env);
}

function changeOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", PinChangeOptions, unknown> {
  const main = object({
    with: argument(address(), { description: [text("Conversation: ben, #ops or +id")] }),
    seq: argument(seqValue(), { description: [text("Number of the message")] }),
    timeoutMs: timeoutOption(),
  });
  return withConnection(main, options, env);
}
