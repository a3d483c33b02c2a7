import type { Chat } from "../../../src/core/chat.ts";
import type { Draft, Posted } from "../../../src/core/messages/posting.ts";
import type { Subscriber } from "../../../src/core/people/live_sessions.ts";

/** Sends a message as a session or a single call does. Resolves when the message is on disk. */
export async function sendMessage({ posting }: Chat, sender: string, draft: Draft, from?: Subscriber): Promise<Posted> {
  return await posting.submit(await posting.check(sender, draft), from);
}
