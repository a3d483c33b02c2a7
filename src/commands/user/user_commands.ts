import { object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import { text } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import type { DeletedAccounts } from "../../core/limits.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { duration, path, userName } from "../options/value_parsers.ts";
import { dataFolder } from "../options/data_folder.ts";
import { sure } from "../room/room_commands.ts";

/** Every operator command works on one data folder. */
export interface UserListOptions {
  /** As the operator wrote it, relative to the working directory. */
  readonly dataDir: string;
}

export interface UserOptions extends UserListOptions {
  readonly name: string;
}

/** Where the new password comes from: the file, then `CHATD_PASSWORD`, then a prompt. */
export interface UserPasswordOptions extends UserOptions {
  readonly passwordFile?: string;
  /** From `CHATD_PASSWORD`. Never log it. */
  readonly password?: string;
}

export interface UserDeleteOptions extends UserOptions {
  /** As the server says unless given. */
  readonly mode?: DeletedAccounts;
  /** Whoever asks is sure. */
  readonly yes: boolean;
}

export interface UserInviteOptions extends UserListOptions {
  readonly lifetimeMs: number;
}

export function userListOptions(options: OptionsWithEnv): Parser<"sync", UserListOptions, unknown> {
  return object("Options", { dataDir: dataFolder(options) });
}

export function userOptions(options: OptionsWithEnv): Parser<"sync", UserOptions, unknown> {
  return object("Options", { name: name(), dataDir: dataFolder(options) });
}

export function userPasswordOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", UserPasswordOptions, unknown> {
  const passwordFile = options.optional("--password-file", path("FILE"), "File with the password in its first line");
  const parser = object("Options", { name: name(), dataDir: dataFolder(options), passwordFile });
  return map(parser, (parsed) => ({ ...parsed, password: env("CHATD_PASSWORD") || undefined }));
}

export function userDeleteOptions(options: OptionsWithEnv): Parser<"sync", UserDeleteOptions, unknown> {
  return object("Options", {
    name: name(),
    dataDir: dataFolder(options),
    mode: options.optional(
      "--deleted-accounts",
      choice(["anonymize", "erase"]),
      "What becomes of the messages; as the running server says if not given, else anonymize",
    ),
    yes: sure(),
  });
}

export function userInviteOptions(options: OptionsWithEnv): Parser<"sync", UserInviteOptions, unknown> {
  const lifetimeMs = options.withDefault("--expires", duration(), {
    standard: "7d",
    description: "How long the invitation is good: 90s, 30m, 12h or 7d",
  });
  return object("Options", { lifetimeMs, dataDir: dataFolder(options) });
}

function name(): Parser<"sync", string, unknown> {
  return argument(userName(), { description: [text("The user")] });
}
