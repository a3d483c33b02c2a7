import { object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import { text } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { type CommandEntry, defineCommand, defineGroup } from "../command.ts";
import { storeOptions, storePlace } from "../options/data_folder.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { plainOption } from "../options/plain_option.ts";
import { sureOption } from "../options/sure_option.ts";
import { UsageError } from "../options/usage_error.ts";
import { anyText, duration, path, userName } from "../options/value_parsers.ts";
import type {
  UserAddOptions,
  UserDeleteOptions,
  UserInviteOptions,
  UserOptions,
  UserPasswordOptions,
  UserSetOptions,
} from "./run_user.ts";

export const userCommand: CommandEntry = defineGroup({
  word: "user",
  brief: "Add, list and disable users, even while the server runs",
  description: "Asks the running server, or opens the data folder if none runs.",
  readsConfig: true,
  entries: [
    defineCommand({
      name: "user add",
      brief: "Add a user, regardless of --registration",
      description: "Adds a user. Asks for the password twice, unless --password-file or CHATD_PASSWORD provides it.",
      options: userAddOptions,
      load: async () => (await import("./run_user.ts")).addUser,
    }),
    defineCommand({
      name: "user list",
      brief: "List all users",
      description:
        "Lists all users: name, creation time, enabled or disabled, and the display name and the status of " +
        "users who have them, separated by tabs.",
      options: storeOptions,
      load: async () => (await import("./run_user.ts")).listUsers,
    }),
    defineCommand({
      name: "user set",
      brief: "Set or remove a user's display name and status",
      description: 'Sets the texts that others see beside the name of a user; "" removes one.',
      options: userSetOptions,
      load: async () => (await import("./run_user.ts")).setUser,
    }),
    defineCommand({
      name: "user passwd",
      brief: "Set a new password and log out all devices",
      description: "Sets a new password and logs the user out on all devices. Asks for the password twice, unless " +
        "--password-file or CHATD_PASSWORD provides it.",
      options: userPasswordOptions,
      load: async () => (await import("./run_user.ts")).setPassword,
    }),
    defineCommand({
      name: "user disable",
      brief: "Log a user out and block further logins",
      description: "Logs the user out on all devices, ends live sessions at once, and refuses further logins. " +
        "Messages are kept.",
      options: userOptions,
      load: async () => (await import("./run_user.ts")).disableUser,
    }),
    defineCommand({
      name: "user enable",
      brief: "Enable a disabled user",
      description: "Lets a disabled user log in again with the same password.",
      options: userOptions,
      load: async () => (await import("./run_user.ts")).enableUser,
    }),
    defineCommand({
      name: "user delete",
      brief: "Delete an account permanently",
      description:
        "Removes a user from all rooms, logs them out permanently, and reserves the name. Their messages are kept under a " +
        "made-up name, or erased.",
      options: userDeleteOptions,
      load: async () => (await import("./run_user.ts")).deleteUser,
    }),
    defineCommand({
      name: "user invite",
      brief: "Create an invitation for one user",
      description: "Prints a code with which one person can register once, if the server uses --registration invite.",
      options: userInviteOptions,
      load: async () => (await import("./run_user.ts")).inviteUser,
    }),
  ],
});

function userOptions(options: OptionsWithEnv): Parser<"sync", UserOptions, unknown> {
  return object("Options", { name: name(), place: storePlace(options) });
}

function userPasswordOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", UserPasswordOptions, unknown> {
  return map(
    object("Options", newPassword(options)),
    (parsed) => ({ ...parsed, password: env("CHATD_PASSWORD") || undefined }),
  );
}

function newPassword(options: OptionsWithEnv) {
  const passwordFile = options.optional("--password-file", path("FILE"), "File with the password on its first line");
  return { name: name(), place: storePlace(options), passwordFile };
}

function userAddOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", UserAddOptions, unknown> {
  const parser = object("Options", {
    ...newPassword(options),
    allowSimilar: options.once("--allow-similar", "Add the user even if the name looks like another one"),
  });
  return map(parser, (parsed) => ({ ...parsed, password: env("CHATD_PASSWORD") || undefined }));
}

function userSetOptions(options: OptionsWithEnv): Parser<"sync", UserSetOptions, unknown> {
  const parser = object("Options", {
    name: name(),
    place: storePlace(options),
    displayName: plainOption("--display-name", anyText("TEXT"), 'Name to show beside the account name; "" removes it'),
    status: plainOption("--status", anyText("TEXT"), 'Text to show beside the name; "" removes it'),
    allowSimilar: options.once("--allow-similar", "Set the display name even if it looks like another user's name"),
  });
  return map(parser, (chosen) => {
    if (chosen.displayName !== undefined || chosen.status !== undefined) return chosen;
    throw new UsageError("Name what to set: --display-name, --status, or both.");
  });
}

function userDeleteOptions(options: OptionsWithEnv): Parser<"sync", UserDeleteOptions, unknown> {
  return object("Options", {
    name: name(),
    place: storePlace(options),
    mode: options.optional(
      "--deleted-accounts",
      choice(["anonymize", "erase"], { metavar: "MODE" }),
      "How to treat the messages; like the running server unless given, or anonymize without one",
    ),
    yes: sureOption(),
  });
}

function userInviteOptions(options: OptionsWithEnv): Parser<"sync", UserInviteOptions, unknown> {
  const lifetimeMs = options.withDefault("--expires", duration(), {
    standard: "7d",
    description: "How long the invitation is valid: 90s, 30m, 12h or 7d",
  });
  return object("Options", { lifetimeMs, place: storePlace(options) });
}

function name(): Parser<"sync", string, unknown> {
  return argument(userName(), { description: [text("Name of the user")] });
}
