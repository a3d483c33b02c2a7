import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { clientExitCode } from "../exit_code.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { userName, words } from "../options/value_parsers.ts";
import { completePlace, givenPlace } from "../script/given_place.ts";
import { defaultProfile } from "../script/profiles.ts";
import { encryptionOptions, jsonOption, placeOptions, profileOption, timeoutOption } from "../script/script_options.ts";
import type { LogoutOptions, ProfilesOptions, ScriptLoginOptions } from "./run_login.ts";

export const loginCommand: CommandEntry = defineCommand({
  name: "login",
  brief: "Log in and save a profile",
  description:
    "Logs in and saves the user and server as a profile for the script commands. The default profile reuses a " +
    "login that the chat client saved without asking for the password, unless one is given; each other profile has a " +
    "login of its own.",
  options: loginOptions,
  load: async () => (await import("./run_login.ts")).runLogin,
  exitCodeOf: clientExitCode,
});

export const logoutCommand: CommandEntry = defineCommand({
  name: "logout",
  brief: "Log out and delete a profile",
  description: "Logs a profile out on the server and deletes the profile. For the default profile, this also logs " +
    "out the chat client of the same user and server.",
  options: logoutOptions,
  load: async () => (await import("./run_login.ts")).runLogout,
  exitCodeOf: clientExitCode,
});

export const profilesCommand: CommandEntry = defineCommand({
  name: "profiles",
  brief: "List profiles",
  description: "Lists profiles: name, user, transport, address, and whether a login is saved, separated by tabs.",
  options: profilesOptions,
  load: async () => (await import("./run_login.ts")).runProfiles,
  exitCodeOf: clientExitCode,
});

function loginOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", ScriptLoginOptions, unknown> {
  const main = object({
    profile: profileOption(options),
    user: options.required("--user", userName(), "Your user name"),
    invite: options.optional("--invite", words("CODE"), "Invitation code to register with"),
    timeoutMs: timeoutOption(),
  });
  const all = merge(group("Options", main), group("Connection", placeOptions(options)), encryptionOptions(options));
  return map(all, ({ profile = defaultProfile, user, invite, passwordFile, timeoutMs, ...place }) => ({
    name: profile,
    timeoutMs,
    profile: completePlace({ ...givenPlace(place), user }),
    invite,
    passwordFile,
    password: env("CHATD_PASSWORD") || undefined,
  }));
}

function logoutOptions(options: OptionsWithEnv): Parser<"sync", LogoutOptions, unknown> {
  const main = object("Options", { profile: profileOption(options), timeoutMs: timeoutOption() });
  return map(main, ({ profile = defaultProfile, timeoutMs }) => ({ name: profile, timeoutMs }));
}

function profilesOptions(options: OptionsWithEnv): Parser<"sync", ProfilesOptions, unknown> {
  return object("Options", { json: jsonOption(options) });
}
