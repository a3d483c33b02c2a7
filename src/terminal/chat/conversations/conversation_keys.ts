import type { KeyHelp } from "../../input/key_help.ts";
import type { ScreenKey } from "../../input/key_decoder.ts";
import type { FaceContext } from "../chat_face.ts";

/** Keys that choose a conversation, or a part of one that the person was at, the same on every face whose terminal can move its cursor. */
export const conversationKeys: readonly KeyHelp[] = [
  ["Alt-A, Alt-1 … Alt-9", "Go to the next conversation with unread messages, or to one of the list"],
  ["Alt-↑, Alt-↓, Alt-`", "Go to the conversation above (also Ctrl-P), below (Ctrl-N), or to the last one"],
  ["Alt-Shift-J", "Go back to the messages before the last /jump, or before Alt-J"],
];

/** Goes to the conversation, or back to the part of one, that a key means. Other keys do nothing. */
export function chooseConversation(key: ScreenKey, context: FaceContext): void {
  const { state: { list, current }, person } = context;
  if (key === "last-conversation") return person.goBack();
  if (key === "back") return person.jumpBack();
  const conversation = key === "next-unread"
    ? list.nextUnread(current?.conversation)?.conversation
    : key === "next-conversation"
    ? neighbour(context, 1)
    : key === "previous-conversation"
    ? neighbour(context, -1)
    : key.startsWith("conversation-")
    ? list.all[Number(key.slice("conversation-".length)) - 1]?.conversation
    : undefined;
  if (conversation !== undefined) person.choose(conversation);
}

/** The conversation below the current one in the list, or above it; the list has no end. An invitation is none yet. */
function neighbour({ state: { list, current } }: FaceContext, step: -1 | 1): string | undefined {
  const joined = list.all.filter(({ invitedBy }) => invitedBy === undefined);
  const at = joined.findIndex(({ conversation }) => conversation === current?.conversation);
  const from = at < 0 && step < 0 ? 0 : at;
  return joined.at((from + step) % Math.max(1, joined.length))?.conversation;
}
