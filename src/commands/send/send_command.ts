import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import { map, multiple } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import type { Parser } from "@optique/core/parser";
import { parseAddress } from "../../core/messages/address.ts";
import { type CommandEntry, defineCommand } from "../command.ts";
import { scriptExitCode } from "../exit_code.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { plainOption } from "../options/plain_option.ts";
import { UsageError } from "../options/usage_error.ts";
import { address, duration, path, words } from "../options/value_parsers.ts";
import { seqValue, withConnection } from "../script/script_options.ts";
import type { SendCommandOptions } from "./run_send.ts";

export const sendCommand: CommandEntry = defineCommand({
  name: "send",
  brief: "Send a message and exit once it is accepted",
  description:
    "Sends TEXT, or the text on stdin, as one message, also if it begins with a slash. Retries until the server accepts or refuses it. " +
    "Exits with 0 only if it is accepted.",
  options: sendOptions,
  load: async () => (await import("./run_send.ts")).runSend,
  exitCodeOf: scriptExitCode,
});

function sendOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", SendCommandOptions, unknown> {
  const main = object({
    to: option("--to", address(), { description: [text("Recipient: ben, #ops or +id")] }),
    words: multiple(
      argument(words("TEXT"), { description: [text("Text of the message; read from stdin unless given")] }),
    ),
    lines: options.once("--lines", "Send each line of stdin as a message"),
    replyTo: plainOption("--reply-to", seqValue(), "Number of the message to reply to"),
    file: plainOption("--file", path("FILE"), "File to attach"),
    automatic: options.once(
      "--automatic",
      "Mark the message as an automatic answer, which bots ignore",
    ),
    json: options.once("--json", "Print accepted messages, one JSON object per line"),
    join: options.once("--join", "Join the room first, if you are not a member"),
    timeoutMs: plainOption(
      "--timeout",
      duration(),
      "Maximum time for connecting, logging in, sending and the reply, or with --lines for each wait; without it, the " +
        "command waits for the server for 60s at a time",
    ),
  });
  return map(withConnection(main, options, env), (parsed) => {
    if (parsed.lines && (parsed.words.length > 0 || parsed.file !== undefined)) {
      throw new UsageError("--lines reads messages from stdin: omit TEXT and --file.");
    }
    if (parsed.join && parseAddress(parsed.to).kind === "user") {
      throw new UsageError("--join needs a room: --to '#NAME' or +id.");
    }
    return parsed;
  });
}
