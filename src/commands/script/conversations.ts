import type { ChatClient } from "../../client/chat_client.ts";
import { type Conversation, Role } from "../../gen/chatd/v1/chat.ts";

/** Yields the conversations of the user without invitations and without rooms that the user has left. */
export async function* ownConversations(client: ChatClient): AsyncGenerator<Conversation, void> {
  for await (const conversation of allConversations(client)) {
    if (![Role.INVITED, Role.LEFT, Role.BANNED].includes(conversation.role)) yield conversation;
  }
}

/** Yields all conversations of the user, invitations first. */
export async function* allConversations(client: ChatClient): AsyncGenerator<Conversation, void> {
  const seen = new Set<string>();
  for (let beforePosition = 0, more = true; more;) {
    const page = await client.listConversations({ beforePosition, limit: 100 });
    for (const conversation of page.conversations) {
      if (seen.has(conversation.conversation)) continue;
      seen.add(conversation.conversation);
      yield conversation;
    }
    beforePosition = page.conversations.at(-1)?.position ?? 0;
    more = page.more && beforePosition > 0;
  }
}
