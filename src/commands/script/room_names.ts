import { ChatError } from "../../core/chat_error.ts";
import type { Message } from "../../core/messages/message.ts";
import { isRoomId } from "../../core/rooms/room.ts";
import type { Conversation } from "../../gen/chatd/v1/chat.ts";

/** A room as messages name it. */
export interface NamedRoom {
  readonly name: string;
  /** The name of a public room is an address. */
  readonly isPublic: boolean;
}

/** The names of the rooms that messages belong to. */
export class RoomNames {
  readonly #ask: (address: string) => Promise<Conversation>;
  readonly #rooms = new Map<string, NamedRoom | undefined>();

  /** @param ask asks the server for a conversation */
  constructor(ask: (address: string) => Promise<Conversation>) {
    this.#ask = ask;
  }

  /** Returns the room of a message; undefined for a message to a user, or if the server does not tell. */
  async of({ conversation }: Message): Promise<NamedRoom | undefined> {
    if (!isRoomId(conversation)) return undefined;
    if (!this.#rooms.has(conversation)) this.#rooms.set(conversation, await this.#fetch(conversation));
    return this.#rooms.get(conversation);
  }

  /** Follows a change of a room's name or visibility. */
  learn({ conversation, event, text }: Message): void {
    if (event?.kind !== "room_created" && event?.kind !== "room_changed") return;
    this.#rooms.set(conversation, { name: text, isPublic: event.isPublic });
  }

  async #fetch(address: string): Promise<NamedRoom | undefined> {
    try {
      const { room } = await this.#ask(address);
      return room === undefined ? undefined : { name: room.name, isPublic: room.public };
    } catch (error) {
      if (error instanceof ChatError && ["not_found", "permission_denied"].includes(error.code)) return undefined;
      throw error;
    }
  }
}
