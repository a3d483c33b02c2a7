import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { clientExitCode } from "../exit_code.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { userName, words } from "../options/value_parsers.ts";
import { defaultProfile } from "../script/profiles.ts";
import { directProfile, encryptionOptions, jsonOption, placeOptions, profileOption } from "../script/script_options.ts";
import type { LogoutOptions, ProfilesOptions, ScriptLoginOptions } from "./run_login.ts";

export const loginCommand: CommandEntry = defineCommand({
  name: "login",
  brief: "Log in, and keep it under a name",
  description: "Logs in, and keeps who you are and where to go as a profile, for the commands for scripts. The " +
    "login itself is the one of the chat client, and is used without asking when it is there.",
  options: loginOptions,
  load: async () => (await import("./run_login.ts")).runLogin,
  exitCodeOf: clientExitCode,
});

export const logoutCommand: CommandEntry = defineCommand({
  name: "logout",
  brief: "End the login of a profile, and forget it",
  description: "Ends the login of a profile, on the server too, and forgets the profile. The chat client of the same " +
    "user and server is logged out with it.",
  options: logoutOptions,
  load: async () => (await import("./run_login.ts")).runLogout,
  exitCodeOf: clientExitCode,
});

export const profilesCommand: CommandEntry = defineCommand({
  name: "profiles",
  brief: "List profiles",
  description: "Lists profiles: the name, the user, grpc or amqp, where it leads, and whether a login is saved.",
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
    user: options.required("--user", userName(), "Who you are"),
    invite: options.optional("--invite", words("CODE"), "Invitation to register with"),
  });
  const all = merge(group("Options", main), group("Connection", placeOptions(options)), encryptionOptions(options));
  return map(all, ({ profile = defaultProfile, invite, passwordFile, ...place }) => ({
    name: profile,
    profile: directProfile(place),
    invite,
    passwordFile,
    password: env("CHATD_PASSWORD") || undefined,
  }));
}

function logoutOptions(options: OptionsWithEnv): Parser<"sync", LogoutOptions, unknown> {
  return map(object("Options", { profile: profileOption(options) }), ({ profile = defaultProfile }) => ({
    name: profile,
  }));
}

function profilesOptions(options: OptionsWithEnv): Parser<"sync", ProfilesOptions, unknown> {
  return object("Options", { json: jsonOption(options) });
}
