import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { argument, flag } from "@optique/core/primitives";
import { withDefault } from "@optique/core/modifiers";
import { integer } from "@optique/core/valueparser";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { duration, words } from "../options/value_parsers.ts";
import { dataFolder } from "../options/data_folder.ts";
import type { UserListOptions } from "../user/user_commands.ts";

export interface RoomOptions extends UserListOptions {
  /** "#ops" or "+id". */
  readonly room: string;
}

export interface RoomDeleteOptions extends RoomOptions {
  /** Whoever asks is sure. */
  readonly yes: boolean;
}

export interface RetentionOptions extends UserListOptions {
  /** "all", "ana:ben", "#ops" or "+id". */
  readonly conversation: string;
}

export interface RetentionSetOptions extends RetentionOptions {
  readonly maxAgeMs?: number;
  readonly maxEntries?: number;
}

export function roomOptions(options: OptionsWithEnv): Parser<"sync", RoomOptions, unknown> {
  return object("Options", { room: room(), dataDir: dataFolder(options) });
}

export function roomDeleteOptions(options: OptionsWithEnv): Parser<"sync", RoomDeleteOptions, unknown> {
  return object("Options", { room: room(), dataDir: dataFolder(options), yes: sure() });
}

export function retentionOptions(options: OptionsWithEnv): Parser<"sync", RetentionOptions, unknown> {
  return object("Options", { conversation: conversation(), dataDir: dataFolder(options) });
}

export function retentionSetOptions(options: OptionsWithEnv): Parser<"sync", RetentionSetOptions, unknown> {
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

/** No variable stands for it: it is about one command. */
export function sure(): Parser<"sync", boolean, unknown> {
  return withDefault(flag("--yes", { description: [text("You are sure: it cannot be undone")] }), false);
}

function room(): Parser<"sync", string, unknown> {
  return argument(words("ROOM"), { description: [text("A public room's name, such as \"#ops\", or any room's id")] });
}

function conversation(): Parser<"sync", string, unknown> {
  const description =
    '"all" for every conversation without a rule of its own; "ana:ben" for two people; "#ops" or an id for a room';
  return argument(words("CONVERSATION"), { description: [text(description)] });
}
