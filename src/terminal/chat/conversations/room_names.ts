import { ChatError } from "../../../core/chat_error.ts";
import { conversationAddress } from "../../../core/messages/message.ts";
import { isRoomId } from "../../../core/rooms/room.ts";
import type { Conversation } from "../../../gen/chatd/v1/chat.ts";
import type { ConversationRef } from "./conversation_ref.ts";

export interface RoomNamesOptions {
  readonly me: string;
  /** Finds the room that a name means. @throws {ChatError} */
  find(name: string): Promise<Conversation>;
  /** The server told which room a name means. */
  resolved(name: ConversationRef, room: ConversationRef, known: Conversation | undefined): void;
}

/** Whether a place is only the name of a room, which the server has yet to resolve. */
export function isRoomName({ conversation }: ConversationRef): boolean {
  return /^[#+]/.test(conversation) && !isRoomId(conversation);
}

/**
 * Names of rooms that the person went to before the server told which room each of them means. Every such place is
 * resolved once, and means that room from then on.
 */
export class RoomNames {
  readonly #options: RoomNamesOptions;
  /** By name, the places that may be resolved yet. */
  readonly #places = new Map<string, ConversationRef>();
  readonly #asked = new WeakMap<ConversationRef, Promise<ConversationRef>>();
  readonly #resolved = new WeakMap<ConversationRef, ConversationRef>();
  readonly #refused = new WeakSet<ConversationRef>();
  readonly #reserved = new WeakMap<ConversationRef, PromiseWithResolvers<ConversationRef>>();

  constructor(options: RoomNamesOptions) {
    this.#options = options;
  }

  /** The place of a name. A name is one place until it is resolved. */
  place(name: string): ConversationRef {
    const place = this.#places.get(name) ?? { conversation: name, address: name };
    this.#places.set(name, place);
    return place;
  }

  /** The room of a place whose name was resolved; else the place itself. */
  known(place: ConversationRef): ConversationRef {
    return this.#resolved.get(place) ?? place;
  }

  /** Whether the last answer of the server was that it cannot resolve the name. */
  isRefused(place: ConversationRef): boolean {
    return this.#refused.has(place);
  }

  /** Returns the conversation of a place; asks the server if it is the name of a room. @throws {ChatError} */
  resolve(place: ConversationRef): Promise<ConversationRef> {
    const known = this.known(place);
    if (!isRoomName(known)) return Promise.resolve(known);
    const asked = this.#asked.get(place) ?? this.#ask(place);
    this.#asked.set(place, asked);
    return asked;
  }

  /** A command will tell which room the place is, by {@link settle} or {@link refuse}: the name is not asked for. */
  reserve(place: ConversationRef): void {
    if (!isRoomName(place)) return;
    const reserved = Promise.withResolvers<ConversationRef>();
    // Without a line that waits for it, its refusal is told by the command alone.
    reserved.promise.catch(() => {});
    this.#reserved.set(place, reserved);
    this.#asked.set(place, reserved.promise);
  }

  /** Whether a command is still to tell which room the place is. */
  isReserved(place: ConversationRef): boolean {
    return this.#reserved.has(place) && !this.#resolved.has(place) && !this.#refused.has(place);
  }

  /** A reserved place is this room. */
  settle(place: ConversationRef, room: ConversationRef): void {
    if (!this.#reserved.has(place)) return;
    this.#learn(place, room, undefined);
    this.#reserved.get(place)!.resolve(room);
  }

  /** The command failed: a reserved place that is not settled never will be. */
  refuse(place: ConversationRef): void {
    if (!this.#reserved.has(place) || this.#resolved.has(place)) return;
    this.#refused.add(place);
    this.#places.delete(place.address);
    const why = `There is no conversation "${place.address}" yet. Choose one with /to #ROOM or /join #ROOM.`;
    this.#reserved.get(place)!.reject(new ChatError("not_found", why));
  }

  async #ask(place: ConversationRef): Promise<ConversationRef> {
    const { find, me } = this.#options;
    this.#refused.delete(place);
    try {
      const known = await find(place.address);
      const reserved = this.#reserved.get(place);
      if (reserved !== undefined) return await reserved.promise;
      const { conversation } = known;
      const room = { conversation, address: conversationAddress(conversation, me) };
      this.#learn(place, room, known);
      return room;
    } catch (error) {
      // The next line asks again.
      if (!this.#reserved.has(place)) {
        this.#asked.delete(place);
        this.#refused.add(place);
      }
      throw error;
    }
  }

  #learn(place: ConversationRef, room: ConversationRef, known: Conversation | undefined): void {
    this.#resolved.set(place, room);
    this.#places.delete(place.address);
    this.#options.resolved(place, room, known);
  }
}
