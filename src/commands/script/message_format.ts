import type { Message, Pin } from "../../core/messages/message.ts";
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

/** Like {@link messageFormat}, for pinned messages: JSON also says who pinned them, and when. */
export async function pinFormat(
  { json, user }: { json: boolean; user: string },
): Promise<(pin: Pin, room?: NamedRoom) => string> {
  if (!json) return ({ message }, room) => messageText(message, user, { room });
  const { pinRecord } = await import("./json_records.ts");
  return (pin, room) => jsonLine(pinRecord(pin, user, { room }));
}
