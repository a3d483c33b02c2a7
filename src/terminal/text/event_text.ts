import type { EventKind, EventOf } from "../../core/messages/log_event.ts";
import type { Message } from "../../core/messages/message.ts";
import type { MemberRole } from "../../core/rooms/room.ts";
import { describeAccess, describeMentionAll } from "./room_text.ts";

const roleNames: Readonly<Record<MemberRole, string>> = {
  owner: "an owner",
  moderator: "a moderator",
  member: "a member",
};

type Describe<Kind extends EventKind> = (event: EventOf<Kind>, entry: Message, quote: string) => string;

/** The words for each kind of event; the sender's name goes before them. */
const descriptions: { readonly [Kind in EventKind]: Describe<Kind> } = {
  edited({ target }, { text, withheld }) {
    if (withheld) return `edited ${target}, which was edited again later`;
    return text === "" ? `edited ${target}, which was deleted later` : `edited ${target}: ${text}`;
  },
  deleted: ({ target }) => `deleted ${target}`,
  reacted: ({ target, emoji, removed }) =>
    removed ? `removed ${emoji} from ${target}` : `reacted with ${emoji} to ${target}`,
  pinned: ({ target, removed }, _entry, quote) =>
    `${removed ? "unpinned" : "pinned"} ${target}${quote === "" ? "" : `: “${quote}”`}`,
  room_created: (event, { text }) => `created the room #${text} (${describeAccess(event)})`,
  joined: () => "joined",
  left: () => "left",
  invited: ({ user }) => `invited ${user}`,
  removed: ({ user, banned }) => `${banned ? "banned" : "removed"} ${user}`,
  unbanned: ({ user }) => `unbanned ${user}`,
  role_changed: ({ user, role }) => `made ${user} ${roleNames[role]}`,
  topic_changed: (_event, { text }) => text === "" ? "removed the topic" : `set the topic: ${text}`,
  room_changed(event, { text }) {
    const settings = `${describeAccess(event)}, ${describeMentionAll(event.mentionAll)}`;
    return `changed the room to #${text} (${settings})${event.byOperator ? ", by the server's operator" : ""}`;
  },
};

/**
 * Returns the text of a message, or describes an event: "joined", "reacted with 👍 to 12".
 * @param options.quote a line of the message that the event pins; "" for none
 */
export function eventText(message: Message, { quote = "" }: { quote?: string } = {}): string {
  return message.event === undefined ? message.text : describe(message.event, message, quote);
}

/**
 * Stands for the text of a message that has none any more, or whose text the reader may not see; undefined for every
 * other entry.
 */
export function textStandIn({ event, deleted, withheld }: Message): string | undefined {
  if (event !== undefined) return undefined;
  if (deleted) return "(deleted)";
  return withheld ? "(edited; the new text is hidden from you)" : undefined;
}

function describe<Kind extends EventKind>(event: EventOf<Kind>, entry: Message, quote: string): string {
  return descriptions[event.kind](event, entry, quote);
}
