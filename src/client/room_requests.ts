import { ChatError } from "../core/chat_error.ts";
import type { MemberRole } from "../core/rooms/room.ts";
import type { Room } from "../gen/chatd/v1/chat.ts";
import type { ListMembersResponse, ListRoomsResponse } from "../gen/chatd/v1/rooms.ts";
import { toWireRole } from "../wire/events.ts";
import type { ReplyValue, RequestKind } from "./live_session.ts";
import type { ReplyResult } from "./pending_requests.ts";

/** The `$case` of a request, and of its reply. */
export type AnsweredRequest = RequestKind["$case"] & ReplyResult["$case"];

export interface RoomRequestsOptions {
  createId(): string;
  /** Sends a request once; resolves with the value of the reply. */
  request(kind: RequestKind): Promise<unknown>;
  /** Sends a request with an id until it has a reply. */
  repeat(kind: RequestKind): Promise<unknown>;
}

/**
 * Requests about rooms. A room is "#name" or "+id". They throw `ChatError`; changes arrive as events of the room's log.
 */
export class RoomRequests {
  readonly #options: RoomRequestsOptions;

  constructor(options: RoomRequestsOptions) {
    this.#options = options;
  }

  async create(room: { name: string; public: boolean; historyVisible: boolean }): Promise<Room> {
    return requireRoom((await this.#repeat({ $case: "createRoom", value: { id: this.#id(), ...room } })).room);
  }

  async join(room: string): Promise<Room> {
    return requireRoom((await this.#repeat({ $case: "joinRoom", value: { id: this.#id(), room } })).room);
  }

  /** Leaves a room, or declines an invitation. */
  async leave(room: string): Promise<void> {
    await this.#repeat({ $case: "leaveRoom", value: { id: this.#id(), room } });
  }

  /** Changes the given properties. */
  async update(
    room: string,
    { mentionAll, ...change }: { name?: string; public?: boolean; historyVisible?: boolean; mentionAll?: MemberRole },
  ): Promise<void> {
    const role = mentionAll === undefined ? {} : { mentionAll: toWireRole(mentionAll) };
    await this.#repeat({ $case: "updateRoom", value: { id: this.#id(), room, ...change, ...role } });
  }

  async setTopic(room: string, topic: string): Promise<void> {
    await this.#repeat({ $case: "setTopic", value: { id: this.#id(), room, topic } });
  }

  async invite(room: string, user: string): Promise<void> {
    await this.#repeat({ $case: "inviteMember", value: { id: this.#id(), room, user } });
  }

  /** Removes a member, or withdraws an invitation. */
  async remove(room: string, user: string, { ban = false } = {}): Promise<void> {
    await this.#repeat({ $case: "removeMember", value: { id: this.#id(), room, user, ban } });
  }

  async unban(room: string, user: string): Promise<void> {
    await this.#repeat({ $case: "unbanMember", value: { id: this.#id(), room, user } });
  }

  async setRole(room: string, user: string, role: MemberRole): Promise<void> {
    await this.#repeat({ $case: "setRole", value: { id: this.#id(), room, user, role: toWireRole(role) } });
  }

  /** Lists public rooms by name. */
  list(page: { query?: string; after?: string; limit?: number } = {}): Promise<ListRoomsResponse> {
    return this.#request({ $case: "listRooms", value: { query: "", after: "", limit: 0, ...page } });
  }

  /** Lists members by name. */
  members(room: string, page: { after?: string; limit?: number } = {}): Promise<ListMembersResponse> {
    return this.#request({ $case: "listMembers", value: { room, after: "", limit: 0, ...page } });
  }

  #request<C extends AnsweredRequest>(kind: RequestKind & { $case: C }): Promise<ReplyValue<C>> {
    return this.#options.request(kind) as Promise<ReplyValue<C>>;
  }

  #repeat<C extends AnsweredRequest>(kind: RequestKind & { $case: C }): Promise<ReplyValue<C>> {
    return this.#options.repeat(kind) as Promise<ReplyValue<C>>;
  }

  #id(): string {
    return this.#options.createId();
  }
}

function requireRoom(room: Room | undefined): Room {
  if (room !== undefined) return room;
  throw new ChatError("internal", "The server answered without the room.");
}
