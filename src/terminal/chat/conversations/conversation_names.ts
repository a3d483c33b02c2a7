import type { LogEvent } from "../../../core/messages/log_event.ts";
import { conversationAddress, type Message } from "../../../core/messages/message.ts";
import { isRoomId } from "../../../core/rooms/room.ts";
import { sanitizeLine } from "../../../core/sanitize.ts";
import { userTitle } from "../../text/profile_text.ts";

interface KnownRoom {
  readonly name: string;
  readonly isPublic: boolean;
}

/** The names of conversations for the person: users by name, rooms by "#name", private rooms too. */
export class ConversationNames {
  readonly #me: string;
  /** Display names by name, "" for none. */
  readonly #people = new Map<string, string>();
  readonly #rooms = new Map<string, KnownRoom>();

  constructor(me: string) {
    this.#me = me;
  }

  /** `displayName`, if it is known now, replaces the one before. */
  addPerson(name: string, displayName?: string): void {
    this.#people.set(name, displayName ?? this.#people.get(name) ?? "");
  }

  addRoom(room: { id: string; name: string; public: boolean }): void {
    this.#rooms.set(room.id, { name: room.name, isPublic: room.public });
  }

  /** Learns the names that a message contains. */
  learn(message: Message): void {
    const { conversation, event, text } = message;
    if (!isRoomId(conversation)) this.addPerson(conversationAddress(conversation, this.#me));
    else if (isNaming(event)) this.#rooms.set(conversation, { name: text, isPublic: event.isPublic });
    else this.addPerson(message.sender);
  }

  /** Whether the name is known; that of a room may have to be asked for. */
  knows(conversation: string): boolean {
    return !isRoomId(conversation) || this.#rooms.has(conversation);
  }

  /** The name of a conversation, safe for a terminal. */
  label(conversation: string): string {
    const address = conversationAddress(conversation, this.#me);
    const room = this.#rooms.get(conversation);
    return sanitizeLine(room === undefined ? address : `#${room.name}`);
  }

  /** The title of a conversation: that of the user, or the label of the room. Safe for a terminal. */
  title(conversation: string): string {
    if (isRoomId(conversation)) return this.label(conversation);
    return this.titleOf(conversationAddress(conversation, this.#me));
  }

  /** "ben · Ben Ito", or "ben" without a display name that is known. Safe for a terminal. */
  titleOf(name: string): string {
    return userTitle({ name, displayName: this.#people.get(name) ?? "" });
  }

  /** "with ben" or "in #ops". */
  phrase(conversation: string): string {
    return `${isRoomId(conversation) ? "in" : "with"} ${this.label(conversation)}`;
  }

  /** The address of a typed name. A name that two private rooms share means neither of them. */
  address(typed: string): string {
    if (!typed.startsWith("#")) return typed;
    const named = [...this.#rooms].filter(([, { name }]) => `#${name}` === typed);
    const [id] = named.find(([, { isPublic }]) => isPublic) ?? (named.length === 1 ? named[0] : []);
    return id ?? typed;
  }

  /** All names that can be typed. */
  get completions(): Iterable<string> {
    return [...this.#people.keys(), ...new Set([...this.#rooms.values()].map(({ name }) => `#${name}`))];
  }
}

function isNaming(event: LogEvent | undefined): event is Extract<LogEvent, { isPublic: boolean }> {
  return event?.kind === "room_created" || event?.kind === "room_changed";
}
