import type { Message } from "../../core/messages/message.ts";
import { messageText } from "./message_text.ts";
import { jsonLine } from "./output.ts";
import type { NamedRoom } from "./room_names.ts";

/** Makes the lines that stand for an entry of a log, without the last line end. */
export type MessageFormat = (message: Message, room?: NamedRoom) => string;

/** Returns the text for people, or a line of JSON; the code that makes JSON is loaded only for it. */
export async function messageFormat({ json, user }: { json: boolean; user: string }): Promise<MessageFormat> {
  if (!json) return (message, room) => messageText(message, user, { room });
  const { messageRecord } = await import("./json_records.ts");
  return (message, room) => jsonLine(messageRecord(message, user, { room }));
}
