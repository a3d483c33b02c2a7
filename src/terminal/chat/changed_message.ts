import type { Message, Reaction } from "../../core/messages/message.ts";

/** Returns a message after an entry that edits, deletes or pins it, or reacts to it; `me` is the person at the terminal. */
export function changedMessage(target: Message, entry: Message, me: string): Message {
  const { event } = entry;
  if (event?.kind === "edited") {
    const { withheld: _before, audience: _many, naming: _named, ...kept } = target;
    const { text, acceptedAt: editedAt, withheld, audience, naming } = entry;
    return {
      ...kept,
      text,
      editedAt,
      ...(withheld && { withheld }),
      ...(audience && { audience }),
      ...(naming && { naming }),
    };
  }
  if (event?.kind === "deleted") {
    const {
      attachment: _file,
      reactions: _marks,
      pinned: _pin,
      withheld: _hidden,
      audience: _many,
      naming: _named,
      ...kept
    } = target;
    return { ...kept, text: "", deleted: true };
  }
  if (event?.kind === "pinned") {
    const { pinned: _before, ...kept } = target;
    return event.removed ? kept : { ...kept, pinned: true };
  }
  if (event?.kind !== "reacted") return target;
  return { ...target, reactions: count(target.reactions, event, entry.sender === me) };
}

function count(
  before: readonly Reaction[] = [],
  { emoji, removed }: { emoji: string; removed: boolean },
  own: boolean,
): Reaction[] {
  const change = removed ? -1 : 1;
  const found = before.find((reaction) => reaction.emoji === emoji) ?? { emoji, count: 0, own: false };
  const changed = { emoji, count: found.count + change, own: own ? !removed : found.own };
  const others = before.filter((reaction) => reaction !== found);
  if (changed.count <= 0) return others;
  return before.includes(found) ? before.map((each) => each === found ? changed : each) : [...others, changed];
}
