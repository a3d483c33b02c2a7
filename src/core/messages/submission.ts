import type { KnownUsers } from "../accounts/known_users.ts";
import { ChatError } from "../chat_error.ts";
import type { GuardedClock } from "../clock.ts";
import type { DiskQuota } from "../files/disk_quota.ts";
import type { Subscriber } from "../people/live_sessions.ts";
import type { Presence } from "../people/presence.ts";
import type { UserSettings } from "../people/user_settings.ts";
import type { RoomAction } from "../rooms/permissions.ts";
import { refuseInRoom } from "../rooms/refuse_in_room.ts";
import type { RoomCache } from "../rooms/room_cache.ts";
import { noSuchRoom, type RoomState } from "../rooms/room_state.ts";
import { isRoomEvent, type LogEvent, type RoomEvent } from "./log_event.ts";
import { findAudience, findMentions } from "./mentions.ts";
import type { Append } from "./message_store.ts";
import type { Origin, PendingEntry } from "./pending_entry.ts";

/** Maximum number of members that "@here" names: each is a row in the transaction of the message. */
const maxHere = 1_000;

/** An event of a room that a user wants. */
export interface RoomEventDraft {
  readonly id: string;
  readonly event: RoomEvent;
  readonly text: string;
  /** Reads the input of {@link judge} from stores. */
  refresh?(): Promise<void>;
  /** Returns why the event is refused, by the room as it is when the event is submitted. */
  judge(room: RoomState): ChatError | undefined;
}

/** A checked entry, ready for `Posting.submit`. */
export interface CheckedDraft extends Partial<Pick<RoomEventDraft, "refresh" | "judge">> {
  readonly sender: string;
  readonly conversation: string;
  /** The users of a direct conversation, each once; empty for a room. */
  readonly members: readonly string[];
  readonly room: RoomState | undefined;
  readonly id: string;
  readonly text: string;
  readonly event?: LogEvent;
  readonly replyTo?: number;
  readonly uploadId?: string;
  readonly automatic?: boolean;
  /** The permission that it needs in a room, checked again when it is submitted; undefined if there is a `judge`. */
  readonly needs: RoomAction | undefined;
  /** Why it is refused, unless it was accepted before. */
  readonly refusal: ChatError | undefined;
}

export interface SubmissionContext {
  readonly known: KnownUsers;
  readonly settings: Pick<UserSettings, "refuseContact">;
  readonly rooms: Pick<RoomCache, "peek">;
  readonly presence: Pick<Presence, "stateOf">;
  readonly disk: DiskQuota;
  readonly clock: GuardedClock;
}

/** A draft that was submitted, until it is in the log or refused. */
export class Submission implements PendingEntry {
  readonly draft: CheckedDraft;
  readonly #room: RoomState | undefined;
  readonly #subscriber: Subscriber | undefined;
  readonly #context: SubmissionContext;
  /** Why the recipient of a direct message refuses it since it was submitted. */
  #contactRefusal: ChatError | undefined;
  refusal: ChatError | undefined;
  append!: Append;
  origin!: Origin;

  /** @param entry its `room` is the one in the cache; undefined for a draft of a room that is gone */
  constructor(
    { draft, room, subscriber }: {
      draft: CheckedDraft;
      room: RoomState | undefined;
      subscriber: Subscriber | undefined;
    },
    context: SubmissionContext,
  ) {
    this.draft = draft;
    this.#room = room;
    this.#subscriber = subscriber;
    this.#context = context;
    this.judge();
  }

  async refresh(): Promise<void> {
    await this.draft.refresh?.();
    if (this.draft.room === undefined) this.#contactRefusal = await refuseContact(this.draft, this.#context);
  }

  judge(): void {
    const { draft } = this;
    const { sender, id, conversation, members, text, event, replyTo, uploadId, automatic } = draft;
    const room = this.#room;
    const refusal = this.refusal = this.#refuse();
    const refused = refusal !== undefined;
    const isMember = (user: string) => room === undefined ? members.includes(user) : room.isMember(user);
    const isText = event === undefined || event.kind === "edited";
    const mentions = isText && !refused ? findMentions(text, isMember) : [];
    const audience = isText && !refused && room?.may(sender, "mention_all") ? findAudience(text) : undefined;
    const change = event !== undefined && isRoomEvent(event) && !refused ? { sender, event, text } : undefined;
    this.append = {
      kind: "append",
      conversation,
      members,
      id,
      sender,
      acceptedAt: this.#context.clock.now(),
      text,
      event,
      replyTo,
      uploadId,
      automatic,
      mentions: mentions.length > 0 ? mentions : undefined,
      audience,
      here: audience === "here" ? this.#othersOnline(room!) : undefined,
      refused,
    };
    this.origin = { members, room, change, subscriber: this.#subscriber };
    if (change !== undefined) room?.submitted(change);
  }

  withdraw(): void {
    const { room, change } = this.origin;
    if (change !== undefined) room?.settle(change);
  }

  #othersOnline(room: RoomState): string[] {
    const { presence } = this.#context;
    const online: string[] = [];
    for (const user of room.members()) {
      if (online.length === maxHere) break;
      if (user !== this.draft.sender && presence.stateOf(user) === "online") online.push(user);
    }
    return online;
  }

  /** Returns why the entry is refused now: its room may have changed since the check. */
  #refuse(): ChatError | undefined {
    const { draft } = this;
    const { disk, rooms } = this.#context;
    const room = this.#room;
    if (draft.room !== undefined && draft.event?.kind !== "room_created") {
      if (room === undefined || rooms.peek(room.id) !== room) return noSuchRoom(draft.conversation);
    }
    return (room && draft.judge?.(room)) ?? refuseInRoom({ room, sender: draft.sender, needs: draft.needs }) ??
      draft.refusal ??
      this.#contactRefusal ?? (addsText(draft) ? disk.refusal() : undefined);
  }
}

/** Returns why the recipient of an entry outside rooms does not exist or does not accept it; undefined when they do. */
export async function refuseContact(
  { sender, members, event }: CheckedDraft,
  { known, settings }: Pick<SubmissionContext, "known" | "settings">,
): Promise<ChatError | undefined> {
  const recipient = members.find((user) => user !== sender);
  if (recipient === undefined) return undefined;
  if (!await known.has(recipient)) return noSuchUser(recipient);
  return event !== undefined && isWithdrawal(event) ? undefined : await settings.refuseContact(sender, recipient);
}

export function noSuchUser(name: string): ChatError {
  return new ChatError("not_found", `There is no user "${name}".`);
}

/**
 * Returns whether an event withdraws something, which an author may do even if the recipient accepts nothing new from
 * them.
 */
function isWithdrawal(event: LogEvent): boolean {
  return event.kind === "deleted" || ((event.kind === "reacted" || event.kind === "pinned") && event.removed);
}

/** Returns whether an entry needs disk space: other entries are accepted on a full disk too. */
function addsText({ event }: CheckedDraft): boolean {
  return event === undefined || event.kind === "edited";
}
