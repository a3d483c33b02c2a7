import type { Message } from "../../core/messages/message.ts";

/** What an event says, for people: "joined", "reacted with 👍 to 12". The sender's name goes before it. */
export function eventText({ event, text, withheld }: Message): string {
  switch (event?.kind) {
    case undefined:
      return text;
    case "edited":
      if (withheld) return `edited ${event.target}, which was edited again since`;
      return text === "" ? `edited ${event.target}, which was deleted since` : `edited ${event.target}: ${text}`;
    case "deleted":
      return `deleted ${event.target}`;
    case "reacted":
      return event.removed
        ? `took back ${event.emoji} from ${event.target}`
        : `reacted with ${event.emoji} to ${event.target}`;
    case "room_created":
      return `made the room #${text} (${describe(event)})`;
    case "joined":
      return "joined";
    case "left":
      return "left";
    case "invited":
      return `invited ${event.user}`;
    case "removed":
      return `${event.banned ? "banned" : "removed"} ${event.user}`;
    case "unbanned":
      return `lifted the ban of ${event.user}`;
    case "role_changed":
      return `made ${event.user} ${event.role}`;
    case "topic_changed":
      return text === "" ? "took the topic away" : `set the topic: ${text}`;
    case "room_changed":
      return `changed the room: it is #${text}, ${describe(event)}`;
  }
}

/** Stands for the text of a message that has none any more, or whose text the reader may not see; undefined for every other entry. */
export function textStandIn({ event, deleted, withheld }: Message): string | undefined {
  if (event !== undefined) return undefined;
  if (deleted) return "(deleted)";
  return withheld ? "(edited; the new text is hidden from you)" : undefined;
}

function describe({ isPublic, historyVisible }: { isPublic: boolean; historyVisible: boolean }): string {
  const history = historyVisible ? "new members see what was said before" : "new members see what comes";
  return `${isPublic ? "public" : "private"}, ${history}`;
}
