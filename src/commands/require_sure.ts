import { ChatError } from "../core/chat_error.ts";

/** @param effect a sentence without its full stop. @throws {ChatError} `invalid_argument` unless `yes` */
export function requireSure(yes: boolean, effect: string): void {
  if (!yes) throw new ChatError("invalid_argument", `${effect}: confirm with --yes.`);
}
