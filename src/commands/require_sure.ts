import { ChatError } from "../core/chat_error.ts";

/** @param what a sentence without its end. @throws {ChatError} `invalid_argument` unless whoever asks is sure */
export function requireSure(yes: boolean, what: string): void {
  if (!yes) throw new ChatError("invalid_argument", `${what}: say --yes if that is what you want.`);
}
