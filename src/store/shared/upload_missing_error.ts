import { ChatError } from "../../core/chat_error.ts";

export function uploadMissingError({ id }: { id: string }): ChatError {
  return new ChatError("not_found", `Your upload ${id} no longer exists: begin another one.`);
}
