import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { plainOption } from "../options/plain_option.ts";
import { UsageError } from "../options/usage_error.ts";
import { address, profileName } from "../options/value_parsers.ts";

/** The option for the profile of a client of one transport. It has no variable: these clients need no profile. */
export function clientProfileOption() {
  return plainOption("--profile", profileName(), 'Profile of "chatd login" with the user and the server');
}

export function recipientOption(options: OptionsWithEnv) {
  return options.optional("--to", address(), "Recipient: ben, #ops or +id; required if the input is a pipe");
}

/** @throws {UsageError} */
export function requireUser({ user, profile }: { readonly user?: string; readonly profile?: string }): void {
  if (user === undefined && profile === undefined) {
    throw new UsageError("--user is missing: give it, set CHATD_USER, or give --profile.");
  }
}
