import type { LogEvent } from "../../../core/messages/log_event.ts";
import { conversationAddress, type Message } from "../../../core/messages/message.ts";
import { isRoomId } from "../../../core/rooms/room.ts";
import { shortAddress } from "../../../core/rooms/short_address.ts";
import { sanitizeLine } from "../../../core/sanitize.ts";
import { userTitle } from "../../text/profile_text.ts";

/** A room whose name is known. */
export interface NamedRoom {
  readonly id: string;
  readonly name: string;
  readonly isPublic: boolean;
}

/** The names of conversations for the person: users by name, public rooms by "#ops", private ones by "#boss+k3v". */
export class ConversationNames {
  readonly #me: string;
  /** Display names by name, "" for none. */
  readonly #people = new Map<string, string>();
  readonly #rooms = new Map<string, NamedRoom>();
  /** The labels of private rooms, until another room is known. */
  readonly #labels = new Map<string, string>();

  constructor(me: string) {
    this.#me = me;
  }

  /** `displayName`, if it is known now, replaces the one before. */
  addPerson(name: string, displayName?: string): void {
    this.#people.set(name, displayName ?? this.#people.get(name) ?? "");
  }

  addRoom(room: { id: string; name: string; public: boolean }): void {
    this.#name({ id: room.id, name: room.name, isPublic: room.public });
  }

  /** Learns the names that a message contains. */
  learn(message: Message): void {
    const { conversation, event, text } = message;
    if (!isRoomId(conversation)) this.addPerson(conversationAddress(conversation, this.#me));
    else if (isNaming(event)) this.#name({ id: conversation, name: text, isPublic: event.isPublic });
    else this.addPerson(message.sender);
  }

  /** Whether the name is known; that of a room may have to be asked for. */
  knows(conversation: string): boolean {
    return !isRoomId(conversation) || this.#rooms.has(conversation);
  }

  get people(): Iterable<string> {
    return this.#people.keys();
  }

  /** All rooms that were ever seen in this session. */
  get rooms(): Iterable<NamedRoom> {
    return this.#rooms.values();
  }

  room(id: string): NamedRoom | undefined {
    return this.#rooms.get(id);
  }

  /** The name of a conversation, safe for a terminal: an address of it. Rooms of one name have different ones. */
  label(conversation: string): string {
    const room = this.#rooms.get(conversation);
    if (room === undefined) return sanitizeLine(conversationAddress(conversation, this.#me));
    if (room.isPublic) return sanitizeLine(`#${room.name}`);
    const label = this.#labels.get(conversation) ?? sanitizeLine(shortAddress(room, this.rooms));
    this.#labels.set(conversation, label);
    return label;
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

  #name(room: NamedRoom): void {
    this.#rooms.set(room.id, room);
    this.#labels.clear();
  }
}

function isNaming(event: LogEvent | undefined): event is Extract<LogEvent, { isPublic: boolean }> {
  return event?.kind === "room_created" || event?.kind === "room_changed";
}
