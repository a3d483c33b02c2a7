import { parseUserName } from "../accounts/user_name.ts";
import { ChatError } from "../chat_error.ts";
import { isRoomId, parseRoomName } from "../rooms/room.ts";
import { parseShortAddress, type ShortAddress } from "../rooms/short_address.ts";

/** The destination of a message. */
export type Address =
  | { readonly kind: "user"; readonly name: string }
  /** A public room. */
  | { readonly kind: "room_name"; readonly name: string }
  | { readonly kind: "room_id"; readonly id: string }
  /** A room by its name and the beginning of its id. */
  | { readonly kind: "room_start"; readonly room: ShortAddress };

/** Parses "ben", "#ops", "#ops+k2v" or "+k2…". @throws {ChatError} `invalid_argument` */
export function parseAddress(text: string): Address {
  const short = parseShortAddress(text);
  if (short !== undefined) return { kind: "room_start", room: short };
  if (text.startsWith("#")) return { kind: "room_name", name: parseRoomName(text) };
  if (!text.startsWith("+")) return { kind: "user", name: parseUserName(text) };
  if (isRoomId(text)) return { kind: "room_id", id: text };
  throw new ChatError(
    "invalid_argument",
    `${JSON.stringify(text.slice(0, 64))} is not a room id: write "+" and 26 characters of a-z and 2-7.`,
  );
}
