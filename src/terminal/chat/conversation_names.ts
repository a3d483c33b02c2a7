import type { LogEvent } from "../../core/messages/log_event.ts";
import { conversationAddress, type Message } from "../../core/messages/message.ts";
import { isRoomId } from "../../core/rooms/room.ts";
import { sanitizeLine } from "../../core/sanitize.ts";

interface KnownRoom {
  readonly name: string;
  readonly isPublic: boolean;
}

/** How a person calls conversations: people by name, rooms by "#name", private ones too. */
export class ConversationNames {
  readonly #me: string;
  readonly #people = new Set<string>();
  readonly #rooms = new Map<string, KnownRoom>();

  constructor(me: string) {
    this.#me = me;
  }

  addPerson(name: string): void {
    this.#people.add(name);
  }

  addRoom(room: { id: string; name: string; public: boolean }): void {
    this.#rooms.set(room.id, { name: room.name, isPublic: room.public });
  }

  /** What a message tells about names. */
  learn(message: Message): void {
    const { conversation, event, text } = message;
    if (!isRoomId(conversation)) this.addPerson(conversationAddress(conversation, this.#me));
    else if (isNaming(event)) this.#rooms.set(conversation, { name: text, isPublic: event.isPublic });
    else this.addPerson(message.sender);
  }

  /** Whether it is a room that this person knows, whose name has to be asked otherwise. */
  knows(conversation: string): boolean {
    return !isRoomId(conversation) || this.#rooms.has(conversation);
  }

  /** How to show a conversation. */
  label(conversation: string): string {
    const address = conversationAddress(conversation, this.#me);
    const room = this.#rooms.get(conversation);
    return sanitizeLine(room === undefined ? address : `#${room.name}`);
  }

  /** "with ben" or "in #ops". */
  phrase(conversation: string): string {
    return `${isRoomId(conversation) ? "in" : "with"} ${this.label(conversation)}`;
  }

  /** Two private rooms may have one name: then neither is meant by it. */
  address(typed: string): string {
    if (!typed.startsWith("#")) return typed;
    const named = [...this.#rooms].filter(([, { name }]) => `#${name}` === typed);
    const [id] = named.find(([, { isPublic }]) => isPublic) ?? (named.length === 1 ? named[0] : []);
    return id ?? typed;
  }

  /** What can be typed for a conversation. */
  get completions(): Iterable<string> {
    return [...this.#people, ...new Set([...this.#rooms.values()].map(({ name }) => `#${name}`))];
  }
}

function isNaming(event: LogEvent | undefined): event is Extract<LogEvent, { isPublic: boolean }> {
  return event?.kind === "room_created" || event?.kind === "room_changed";
}
