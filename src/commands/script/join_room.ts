import type { ChatClient } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { Room } from "../../gen/chatd/v1/chat.ts";

/** Joins a room. @returns undefined if the user is a member already */
export async function joinAsNeeded(client: ChatClient, room: string): Promise<Room | undefined> {
  try {
    return await client.rooms.join(room);
  } catch (error) {
    if (error instanceof ChatError && error.code === "already_exists") return undefined;
    throw error;
  }
}
