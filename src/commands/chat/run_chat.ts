import { openTransport } from "../script/connection.ts";
import { requireProfile } from "../script/profiles.ts";
import { type ChatClientOptions, runChatClient } from "./run_chat_client.ts";

/** Options of `chatd chat`. */
export interface ChatCommandOptions extends Omit<ChatClientOptions, "user" | "ownLogin" | "invite" | "recipientName"> {
  /** The name of a profile. */
  readonly profile: string;
}

/** Chats as the user of a profile. @returns the exit code. @throws {ChatError} if it cannot start or continue */
export async function runChat({ profile: name, ...options }: ChatCommandOptions): Promise<number> {
  const profile = requireProfile(name);
  const transport = await openTransport(profile);
  const { user, ownLogin } = profile;
  return await runChatClient(transport, { ...options, user, ownLogin, recipientName: "ADDRESS" });
}
