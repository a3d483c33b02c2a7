import { object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import { text } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { type CommandEntry, defineCommand, defineGroup } from "../command.ts";
import { dataFolder, dataFolderOptions } from "../options/data_folder.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { sureOption } from "../options/sure_option.ts";
import { duration, path, userName } from "../options/value_parsers.ts";
import type { UserDeleteOptions, UserInviteOptions, UserOptions, UserPasswordOptions } from "./run_user.ts";

export const userCommand: CommandEntry = defineGroup({
  word: "user",
  brief: "Add, list and disable users, also while the server runs",
  description: "Works on the server's data folder: through the server when it runs, and directly when not.",
  readsConfig: true,
  entries: [
    defineCommand({
      name: "user add",
      brief: "Add a user, whatever --registration says",
      description: "Adds a user. The password is asked for twice, or comes from --password-file or CHATD_PASSWORD.",
      options: userPasswordOptions,
      load: async () => (await import("./run_user.ts")).addUser,
    }),
    defineCommand({
      name: "user list",
      brief: "List all users",
      description: "Lists all users: the name, since when, and whether the account is disabled, separated by tabs.",
      options: dataFolderOptions,
      load: async () => (await import("./run_user.ts")).listUsers,
    }),
    defineCommand({
      name: "user passwd",
      brief: "Set another password, and log out all devices",
      description: "Sets another password, and logs the user out on all devices. The password is asked for twice, or " +
        "comes from --password-file or CHATD_PASSWORD.",
      options: userPasswordOptions,
      load: async () => (await import("./run_user.ts")).setPassword,
    }),
    defineCommand({
      name: "user disable",
      brief: "Log a user out, and keep them out",
      description: "Logs the user out on all devices, ends live sessions at once, and refuses to log in again. " +
        "Messages stay.",
      options: userOptions,
      load: async () => (await import("./run_user.ts")).disableUser,
    }),
    defineCommand({
      name: "user enable",
      brief: "Let a disabled user in again",
      description: "Lets a disabled user log in again, with the password as it was.",
      options: userOptions,
      load: async () => (await import("./run_user.ts")).enableUser,
    }),
    defineCommand({
      name: "user delete",
      brief: "Delete an account for ever",
      description:
        "Takes a user out of all rooms, logs them out for ever, and keeps the name from being used again. Their " +
        "messages stay, from a made-up name, or are erased.",
      options: userDeleteOptions,
      load: async () => (await import("./run_user.ts")).deleteUser,
    }),
    defineCommand({
      name: "user invite",
      brief: "Make a code that registers one user",
      description: "Prints a code with which one person can register, once, where --registration is invite.",
      options: userInviteOptions,
      load: async () => (await import("./run_user.ts")).inviteUser,
    }),
  ],
});

function userOptions(options: OptionsWithEnv): Parser<"sync", UserOptions, unknown> {
  return object("Options", { name: name(), dataDir: dataFolder(options) });
}

function userPasswordOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", UserPasswordOptions, unknown> {
  const passwordFile = options.optional("--password-file", path("FILE"), "File with the password in its first line");
  const parser = object("Options", { name: name(), dataDir: dataFolder(options), passwordFile });
  return map(parser, (parsed) => ({ ...parsed, password: env("CHATD_PASSWORD") || undefined }));
}

function userDeleteOptions(options: OptionsWithEnv): Parser<"sync", UserDeleteOptions, unknown> {
  return object("Options", {
    name: name(),
    dataDir: dataFolder(options),
    mode: options.optional(
      "--deleted-accounts",
      choice(["anonymize", "erase"]),
      "What becomes of the messages; as the running server says if not given, else anonymize",
    ),
    yes: sureOption(),
  });
}

function userInviteOptions(options: OptionsWithEnv): Parser<"sync", UserInviteOptions, unknown> {
  const lifetimeMs = options.withDefault("--expires", duration(), {
    standard: "7d",
    description: "How long the invitation is good: 90s, 30m, 12h or 7d",
  });
  return object("Options", { lifetimeMs, dataDir: dataFolder(options) });
}

function name(): Parser<"sync", string, unknown> {
  return argument(userName(), { description: [text("The user")] });
}
