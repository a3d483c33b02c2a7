import type { KnownUsers } from "../accounts/known_users.ts";
import type { Clock } from "../clock.ts";
import type { DiskQuota } from "../files/disk_quota.ts";
import type { Subscriber } from "../people/live_sessions.ts";
import type { UserSettings } from "../people/user_settings.ts";
import type { RoomCache } from "../rooms/room_cache.ts";
import { type Address, parseAddress } from "./address.ts";
import { directConversation, directMembers } from "./message.ts";
import { messageIdLeadMs, readMessageIdTime } from "./message_id.ts";
import type { Origin } from "./pending_entry.ts";
import type { PlainBatch, PlainMessage, PlainRequest, PlainRoute } from "./plain_batch.ts";
import type { CheckedDraft } from "./submission.ts";

/** Where the plain messages of a session go, as memory knows it. */
export interface LaneRoute extends PlainRoute, Origin {
  /** The recipient of a direct message. */
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
}

/**
 * The lane of plain messages: texts of users who certainly may send them, to a user or a room. Most messages are: they
 * are checked against memory, and stored in batches of bytes, without an object for each. All other entries, and those
 * that memory is not certain of, take the way of `Posting`.
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
    const { disk, commits, clock } = this.#options;
    const { route, frame, idAt } = request;
    const now = clock.now();
    const age = now - readMessageIdTime(frame, idAt);
    // Ids of this age are valid even while the clock is in doubt.
    if (age > messageIdLeadMs || age < -messageIdLeadMs) return false;
    return this.#isOpen(route) && disk.refusal() === undefined && commits.addPlain(request, now);
  }

  #makeRoute(subscriber: Subscriber, address: Address): LaneRoute | undefined {
    const { rooms } = this.#options;
    const { user: sender } = subscriber.identity;
    const origin = { sender, change: undefined, subscriber, recipient: undefined, roomName: undefined };
    if (address.kind === "user") {
      const conversation = directConversation(sender, address.name);
      const members = directMembers(conversation);
      return { ...origin, conversation, members, room: undefined, recipient: address.name };
    }
    const room = address.kind === "room_id" ? rooms.peek(address.id) : rooms.peekPublic(address.name);
    if (room === undefined) return undefined;
    const roomName = address.kind === "room_name" ? address.name : undefined;
    return { ...origin, conversation: room.id, members: [], room, roomName };
  }

  #isOpen({ sender, conversation, recipient, room, roomName }: LaneRoute): boolean {
    const { known, settings, rooms } = this.#options;
    if (recipient !== undefined) return known.remembers(recipient) && settings.takesAll(recipient);
    if (room === undefined || rooms.peek(conversation) !== room || !room.may(sender, "send")) return false;
    return roomName === undefined || (room.isPublic && room.name === roomName);
  }
}

function findAddress(text: string): Address | undefined {
  try {
    return parseAddress(text);
  } catch {
    return undefined;
  }
}

/** Returns a message of a batch as a draft that may take the other way. */
export function draftOf(batch: LaneBatch, index: number): CheckedDraft {
  const { sender, conversation, members, room } = batch.routes[index];
  const { id, text } = batch.message(index);
  return { sender, conversation, members, room, id, text, needs: "send", refusal: undefined };
}
