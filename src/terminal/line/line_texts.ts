import type { ChatState } from "../chat/chat_state.ts";
import type { LogTarget } from "../chat/conversations/log_target.ts";
import { countOf } from "../text/count_of.ts";
import { date } from "../text/local_clock.ts";

/** "[ana → ben | ben is typing] ": the text before the draft. */
export function promptText(state: ChatState): string {
  const { me, current } = state;
  const place = current === undefined ? me : `${me} → ${state.label(current)}`;
  return `[${[place, condition(state)].filter(Boolean).join(" | ")}] `;
}

/** Lines between the transcript and the draft. */
export function pendingLines(state: ChatState): string[] {
  const { current, isLoading, pending } = state;
  return current && isLoading ? [`  loading ${state.label(current)} …`, ...pending] : pending;
}

/** "Message 12 with ben, and others around it:": the line above a part of a log. */
export function partTitle(phrase: string, { target, seq }: { target: LogTarget; seq: number }): string {
  if ("fromMs" in target) return `Messages ${phrase} since ${date(target.fromMs)}:`;
  return `Message ${seq} ${phrase}, and others around it:`;
}

function condition({ client, current, typing }: ChatState): string {
  const connection = client.state;
  if (connection.kind === "connecting") return "connecting";
  if (connection.kind === "online") return current === undefined ? "" : typing.describe(current.conversation);
  if (connection.kind === "ended") return "";
  const seconds = Math.max(0, Math.ceil((connection.retryAt - Date.now()) / 1000));
  return `offline, next try in ${seconds} s, Enter tries now`;
}

/** "Unread: ben 2, #ops 14 (1 mention)": the other conversations with unread messages; "" when there are none. */
export function unreadText({ list, names, current }: ChatState): string {
  const unread = list.all.filter(({ unread, conversation }) => unread > 0 && conversation !== current?.conversation);
  if (unread.length === 0) return "";
  const each = unread.map(({ conversation, unread, mentions }) =>
    `${names.label(conversation)} ${unread}${mentions > 0 ? ` (${countOf(mentions, "mention")})` : ""}`
  );
  return `Unread: ${each.join(", ")}`;
}
