import type { KnownUsers } from "../accounts/known_users.ts";
import type { Clock } from "../clock.ts";
import type { DiskQuota } from "../files/disk_quota.ts";
import type { Subscriber } from "../people/live_sessions.ts";
import type { UserSettings } from "../people/user_settings.ts";
import type { RoomCache } from "../rooms/room_cache.ts";
import { noSuchRoom, type RoomState } from "../rooms/room_state.ts";
import { type Address, parseAddress } from "./address.ts";
import { directConversation, directMembers } from "./message.ts";
import { messageIdLeadMs } from "./message_id.ts";
import { readMessageIdTime } from "./message_id_bytes.ts";
import type { Origin } from "./pending_entry.ts";
import type { PlainBatch, PlainMessage, PlainRequest, PlainRoute } from "./plain_batch.ts";
import type { CheckedDraft } from "./submission.ts";

/**
 * Where the plain messages of a session go. It has no room: a session keeps its routes for as long as it likes, and a
 * room may leave memory.
 */
export interface LaneRoute extends PlainRoute, Origin {
  readonly room: undefined;
  /** The recipient of a direct message; undefined in a route to a room. */
  readonly recipient: string | undefined;
  /** The name by which a public room is addressed. */
  readonly roomName: string | undefined;
}

/** A session that sends plain messages. */
export interface LaneSession {
  /** A message is on disk. */
  onStored(requestId: number, message: PlainMessage): void;
  /** A message was not stored with others: the session submits it like any other, at once. */
  resubmit(requestId: number, draft: CheckedDraft): void;
  /** A message was not stored. */
  onFailed(requestId: number, error: unknown): void;
}

export type LaneBatch = PlainBatch<LaneRoute, LaneSession>;
export type LaneRequest = PlainRequest<LaneRoute, LaneSession>;

export interface PlainLaneOptions {
  readonly known: KnownUsers;
  readonly settings: Pick<UserSettings, "takesAll">;
  readonly rooms: RoomCache;
  readonly disk: DiskQuota;
  readonly clock: Clock;
  readonly commits: {
    /** Adds a message to the next batch. @returns false if it has to take the other way */
    addPlain(request: LaneRequest, acceptedAt: number): boolean;
  };
  /** Returns whether a conversation is known to have entries: only the other way begins one. */
  hasEntries(conversation: string): boolean;
  /** Replies to the senders of a stored batch, and brings memory and sessions up to it. */
  apply(batch: LaneBatch): void;
}

/**
 * The lane of plain messages: texts to a user or a room, from senders who certainly may send them. Most messages are
 * plain. The lane checks them against memory, and stores them in batches of bytes, without an object for each. All other
 * entries take the way of `Posting`, and so does a message that memory is not certain of.
 */
export class PlainLane {
  readonly #options: PlainLaneOptions;

  constructor(options: PlainLaneOptions) {
    this.#options = options;
  }

  /** Returns the way to an address; undefined unless the user of `subscriber` certainly may send there. */
  findRoute(subscriber: Subscriber, to: string): LaneRoute | undefined {
    const address = findAddress(to);
    const route = address && this.#makeRoute(subscriber, address);
    return route !== undefined && this.#isOpen(route) ? route : undefined;
  }

  /**
   * Adds a message, whose text was checked, to the next batch.
   * @returns false if it has to take the other way, now
   */
  add(request: LaneRequest): boolean {
    const { rooms, disk, commits, clock } = this.#options;
    const { route, frame, idAt } = request;
    const now = clock.now();
    const age = now - readMessageIdTime(frame, idAt);
    // Ids of this age are valid even while the clock is in doubt.
    if (age > messageIdLeadMs || age < -messageIdLeadMs) return false;
    if (!this.#isOpen(route) || disk.refusal() !== undefined || !commits.addPlain(request, now)) return false;
    const room = this.#roomOf(route);
    if (room !== undefined) rooms.submitted(room);
    return true;
  }

  /** Ends a batch that is on disk. */
  onStored(batch: LaneBatch): void {
    this.#options.apply(batch);
    this.#release(batch);
  }

  /** Ends a batch that was not stored as it is: each message takes the other way, in their order. */
  onReturned(batch: LaneBatch): void {
    for (let index = 0; index < batch.count; index++) {
      batch.sessions[index].resubmit(batch.requestIds[index], this.#draftOf(batch, index));
    }
    this.#release(batch);
  }

  /** Ends a batch that could not be stored. */
  onFailed(batch: LaneBatch, error: unknown): void {
    for (let index = 0; index < batch.count; index++) batch.sessions[index].onFailed(batch.requestIds[index], error);
    this.#release(batch);
  }

  #makeRoute(subscriber: Subscriber, address: Address): LaneRoute | undefined {
    const { rooms, hasEntries } = this.#options;
    const { user: sender } = subscriber.identity;
    const origin = { sender, room: undefined, change: undefined, subscriber };
    if (address.kind === "user") {
      const conversation = directConversation(sender, address.name);
      if (!hasEntries(conversation)) return undefined;
      const members = directMembers(conversation);
      return { ...origin, conversation, members, recipient: address.name, roomName: undefined };
    }
    if (address.kind === "room_start") return undefined;
    const roomName = address.kind === "room_name" ? address.name : undefined;
    const conversation = address.kind === "room_id" ? address.id : rooms.peekPublic(address.name)?.id;
    return conversation === undefined
      ? undefined
      : { ...origin, conversation, members: [], recipient: undefined, roomName };
  }

  #isOpen({ sender, conversation, recipient, roomName }: LaneRoute): boolean {
    const { known, settings, rooms } = this.#options;
    if (recipient !== undefined) return known.remembers(recipient) && settings.takesAll(recipient);
    const room = rooms.use(conversation);
    if (!room?.may(sender, "send")) return false;
    return roomName === undefined || (room.isPublic && room.name === roomName);
  }

  /** Returns the room of a route. One with plain messages that wait stays in memory unless it is deleted. */
  #roomOf({ recipient, conversation }: LaneRoute): RoomState | undefined {
    return recipient === undefined ? this.#options.rooms.peek(conversation) : undefined;
  }

  /** Returns a message of a batch as a draft that may take the other way. */
  #draftOf(batch: LaneBatch, index: number): CheckedDraft {
    const route = batch.routes[index];
    const { sender, conversation, members, recipient } = route;
    const { id, text } = batch.message(index);
    const room = this.#roomOf(route);
    const refusal = recipient === undefined && room === undefined ? noSuchRoom(conversation) : undefined;
    return { sender, conversation, members, room, id, text, needs: "send", refusal };
  }

  /** Ends the wait of a batch: its rooms may leave memory. */
  #release({ routes }: LaneBatch): void {
    for (const route of routes) {
      const room = this.#roomOf(route);
      if (room !== undefined) this.#options.rooms.settled(room);
    }
  }
}

function findAddress(text: string): Address | undefined {
  try {
    return parseAddress(text);
  } catch {
    return undefined;
  }
}
