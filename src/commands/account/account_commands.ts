import { object } from "@optique/core/constructs";
import { text } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import { type CommandEntry, defineCommand, defineCommandWithSubcommands } from "../command.ts";
import { clientExitCode, scriptExitCode } from "../exit_code.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { path, words } from "../options/value_parsers.ts";
import { jsonOption, timeoutOption, withConnection } from "../script/script_options.ts";
import type { DeviceRevokeOptions, DevicesOptions, PasswdOptions } from "./run_account.ts";

export const devicesCommand: CommandEntry = defineCommandWithSubcommands({
  name: "devices",
  brief: "List your devices, or log one out",
  description:
    "Lists the devices that are logged in to your account: id, name, creation time, time of the last use, and " +
    "current, online or offline, separated by tabs.",
  options: devicesOptions,
  load: async () => (await import("./run_account.ts")).listDevices,
  exitCodeOf: scriptExitCode,
}, [
  defineCommand({
    name: "devices revoke",
    brief: "Log out a device",
    description: "Logs out a device and ends its sessions at once.",
    options: revokeOptions,
    load: async () => (await import("./run_account.ts")).revokeDevice,
    exitCodeOf: scriptExitCode,
  }),
]);

export const passwdCommand: CommandEntry = defineCommand({
  name: "passwd",
  brief: "Change your password, and log out your other devices",
  description:
    "Changes your password and logs out your other devices; this one stays logged in. Takes the current password from " +
    "--password-file or CHATD_PASSWORD, and the new one from --new-password-file or CHATD_NEW_PASSWORD. Asks for " +
    "missing ones, or reads each from a line of stdin without a terminal.",
  options: passwdOptions,
  load: async () => (await import("./run_account.ts")).changePassword,
  exitCodeOf: clientExitCode,
});

function devicesOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", DevicesOptions, unknown> {
  return withConnection(object({ json: jsonOption(options), timeoutMs: timeoutOption() }), options, env);
}

function revokeOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", DeviceRevokeOptions, unknown> {
  const id = argument(words("ID"), { description: [text("The id of the device, or its beginning")] });
  return withConnection(object({ id, timeoutMs: timeoutOption() }), options, env);
}

function passwdOptions(options: OptionsWithEnv, env: Environment): Parser<"sync", PasswdOptions, unknown> {
  const main = object({
    newPasswordFile: options.optional(
      "--new-password-file",
      path("FILE"),
      "File with the new password on its first line",
    ),
    timeoutMs: timeoutOption(),
  });
  return map(withConnection(main, options, env), (parsed) => ({
    ...parsed,
    newPassword: env("CHATD_NEW_PASSWORD") || undefined,
  }));
}
