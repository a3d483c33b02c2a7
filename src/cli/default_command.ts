import type { Environment } from "../commands/options/environment.ts";
import { defaultProfile, profileNames } from "../commands/script/profiles.ts";
import { ChatError } from "../core/chat_error.ts";

/** Returns the command line for `chatd` alone at a terminal: the chat, if there is a profile for it; else none. */
export function defaultCommand(env: Environment): readonly string[] {
  try {
    return profileNames().includes(env("CHATD_PROFILE") || defaultProfile) ? ["chat"] : [];
  } catch (error) {
    // The help needs neither a home folder nor a permission to read it.
    if (error instanceof ChatError || error instanceof Deno.errors.NotCapable) return [];
    throw error;
  }
}
