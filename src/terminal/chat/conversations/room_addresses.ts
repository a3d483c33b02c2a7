import type { ChatClient } from "../../../client/chat_client.ts";
import { ChatError } from "../../../core/chat_error.ts";
import { isRoomId } from "../../../core/rooms/room.ts";
import { isShortAddressOf, parseShortAddress, shortAddress } from "../../../core/rooms/short_address.ts";
import { type Conversation, Role } from "../../../gen/chatd/v1/chat.ts";
import type { ConversationList } from "./conversation_list.ts";
import type { ConversationNames, NamedRoom } from "./conversation_names.ts";

/** Members to read for the name of a room's owner. */
const maxMembers = 500;

export interface RoomAddressesOptions {
  readonly client: ChatClient;
  readonly names: ConversationNames;
  readonly list: ConversationList;
  loading(): ListLoading;
}

/** The list of conversations on its way. */
export interface ListLoading {
  readonly isLoaded: boolean;
  /** Loads the list, unless it is loaded. @throws {ChatError} */
  load(): Promise<void>;
}

/**
 * Tells which room a typed name means, by one rule for all commands: "#boss" is the room of this name that the person
 * is in, or else the public one. An invitation changes nothing of that, and neither does a room of others. A name of
 * several rooms means none of them.
 */
export class RoomAddresses {
  readonly #options: RoomAddressesOptions;

  constructor(options: RoomAddressesOptions) {
    this.#options = options;
  }

  /** The id of the room that `typed` certainly means; undefined if the server has to be asked, or it is no room. */
  known(typed: string): string | undefined {
    if (isRoomId(typed)) return typed;
    if (!this.#options.loading().isLoaded) return undefined;
    const rooms = this.#meant(typed);
    return rooms.length === 1 ? rooms[0].id : undefined;
  }

  /**
   * The address for requests that `typed` means. The server is to resolve the name of a room that the person is not in.
   * @throws {ChatError} `invalid_argument`, with addresses to use, for a name of several rooms
   */
  async resolve(typed: string): Promise<string> {
    if (!typed.startsWith("#")) return typed;
    await this.#options.loading().load();
    const rooms = this.#meant(typed);
    if (rooms.length > 1) throw await this.#ambiguous(typed, rooms);
    return rooms[0]?.id ?? typed;
  }

  /** The conversation that `typed` means. @throws {ChatError} like {@link resolve}, and `not_found` */
  async find(typed: string): Promise<Conversation> {
    const address = await this.resolve(typed);
    try {
      return await this.#options.client.conversation(address);
    } catch (error) {
      throw this.#withInvitations(typed, error);
    }
  }

  /** The id of the room that the person joins by `typed`, as far as it is {@link known}: a name is of a public room. */
  toJoin(typed: string): string | undefined {
    if (!typed.startsWith("#") || parseShortAddress(typed) !== undefined) return this.known(typed);
    return this.#rooms((room) => room.isPublic && `#${room.name}` === typed)[0]?.id;
  }

  /**
   * The id of the room of this name that the person is invited to, if there is one.
   * @throws {ChatError} `invalid_argument`, with addresses to use, for invitations to several rooms of the name
   */
  async invitation(typed: string): Promise<string | undefined> {
    await this.#options.loading().load();
    const rooms = this.#invitations(typed);
    if (rooms.length > 1) throw await this.#ambiguous(typed, rooms);
    return rooms[0]?.id;
  }

  /** The private rooms that the person is in. */
  get privateRooms(): readonly NamedRoom[] {
    return this.#rooms((room, invitedBy) => !room.isPublic && invitedBy === undefined);
  }

  /** All names and addresses that can be typed, each of which means something. */
  get completions(): string[] {
    const rooms = this.#rooms(() => true).map((room) => {
      const name = `#${room.name}`;
      return room.isPublic && this.#meant(name).every(({ id }) => id === room.id) ? name : this.#short(room);
    });
    return [...this.#options.names.people, ...rooms];
  }

  /**
   * The room of `typed` among those that the person is in; of several, all. If there is none, a public room that they
   * are invited to. A short address means an invitation, too.
   */
  #meant(typed: string): NamedRoom[] {
    const short = parseShortAddress(typed);
    if (short !== undefined) return this.#rooms((room) => isShortAddressOf(short, room));
    const own = this.#rooms((room, invitedBy) => `#${room.name}` === typed && invitedBy === undefined);
    return own.length > 0 ? own : this.#rooms((room) => `#${room.name}` === typed && room.isPublic);
  }

  #invitations(typed: string): NamedRoom[] {
    return this.#rooms((room, invitedBy) => `#${room.name}` === typed && invitedBy !== undefined);
  }

  /** The rooms of the list that fulfil a condition. */
  #rooms(condition: (room: NamedRoom, invitedBy: string | undefined) => boolean): NamedRoom[] {
    const { names, list } = this.#options;
    return list.all.flatMap(({ conversation, invitedBy }) => {
      const room = names.room(conversation);
      return room !== undefined && condition(room, invitedBy) ? [room] : [];
    });
  }

  #short(room: NamedRoom): string {
    return shortAddress(room, this.#options.names.rooms);
  }

  /** "2 rooms are named #boss: #boss+7ab (public), #boss+k3v (private, by ben). Use …". */
  async #ambiguous(typed: string, rooms: readonly NamedRoom[]): Promise<ChatError> {
    const addresses = rooms.map((room) => this.#short(room));
    const described = await Promise.all(rooms.map(async (room, index) => {
      const access = room.isPublic ? "public" : "private";
      const owner = await this.#ownerOf(room);
      return `${addresses[index]} (${access}${owner === undefined ? "" : `, by ${owner}`})`;
    }));
    const are = typed.includes("+") ? "begin with" : "are named";
    const reason = `${rooms.length} rooms ${are} ${typed}: ${described.join(", ")}. Use ${addresses.join(" or ")}.`;
    return new ChatError("invalid_argument", reason);
  }

  async #ownerOf({ id }: NamedRoom): Promise<string | undefined> {
    const { client, list } = this.#options;
    const invitedBy = list.get(id)?.invitedBy;
    if (invitedBy !== undefined) return invitedBy;
    try {
      const { members } = await client.rooms.members(id, { limit: maxMembers });
      return members.find(({ role }) => role === Role.OWNER)?.user;
    } catch (error) {
      // The addresses suffice.
      if (error instanceof ChatError) return undefined;
      throw error;
    }
  }

  /** Adds to an error that the person could join rooms of this name. */
  #withInvitations(typed: string, error: unknown): unknown {
    if (!(error instanceof ChatError) || error.code !== "not_found") return error;
    const hints = this.#invitations(typed).map((room) => {
      const address = this.#short(room);
      return ` ${this.#options.list.get(room.id)?.invitedBy} invited you to ${address}: /join ${address}`;
    });
    return new ChatError(error.code, error.message + hints.join("."), { cause: error });
  }
}
