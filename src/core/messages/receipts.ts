import type { Log } from "../log.ts";
import type { LiveSessions } from "../people/live_sessions.ts";
import type { StateRevisions } from "../people/state_revisions.ts";
import type { UserSettings } from "../people/user_settings.ts";
import { RecentMap } from "../recent_map.ts";
import { isRoomId } from "../rooms/room.ts";
import type { RoomCache } from "../rooms/room_cache.ts";
import type { RoomState } from "../rooms/room_state.ts";
import type { RoomStore } from "../rooms/room_store.ts";
import { Deliveries } from "./deliveries.ts";
import { liveMembers } from "./fan_out.ts";
import { directMembers, type Message } from "./message.ts";
import type { MessageStore, MoveRead } from "./message_store.ts";
import type { PendingMoves } from "./pending_moves.ts";

const maxKnown = 50_000;
/** Interval between notices of read positions in a room, in milliseconds. */
const roomIntervalMs = 1_000;
/** Number of newest read positions in a notice: those of messages that are still on screens. */
const maxCounts = 50;
const maxReaders = 100;

export interface ReceiptsOptions {
  live: LiveSessions;
  store: MessageStore;
  roomStore: RoomStore;
  rooms: RoomCache;
  moves: Pick<PendingMoves, "moveRead">;
  settings: UserSettings;
  revisions: StateRevisions;
  log: Log;
}

/** Read and delivery receipts. Positions are stored; notices of them are lossy. */
export class Receipts {
  readonly #options: ReceiptsOptions;
  readonly #deliveries: Deliveries;
  /** Newest seq by conversation. */
  readonly #heads = new RecentMap<string, number>(maxKnown);
  /** Stored read positions by conversation and user. */
  readonly #reads = new RecentMap<string, number>(maxKnown);
  /** Rooms whose read positions changed since their last notice. */
  readonly #dueRooms = new Set<string>();
  #roomTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ReceiptsOptions) {
    this.#options = options;
    this.#deliveries = new Deliveries({
      live: options.live,
      onDelivered: (conversation, user, seq) =>
        void this.#notifyPeer(conversation, user, { readSeq: 0, deliveredSeq: seq }),
    });
  }

  /** Notes that `user` has seen everything up to `seq`, or up to the head, in a conversation that they are in. */
  async read(user: string, conversation: string, seq: number): Promise<void> {
    const key = readKey(conversation, user);
    let [head, read] = [this.#heads.get(conversation), this.#reads.get(key)];
    if (head === undefined || read === undefined) {
      const summary = await this.#options.store.conversationOf(user, conversation);
      if (summary === undefined) return;
      // Both may have moved meanwhile.
      head = Math.max(this.#heads.get(conversation) ?? 0, summary.headSeq);
      read = Math.max(this.#reads.get(key) ?? 0, summary.readSeq);
      this.#reads.set(key, read);
    }
    const reached = Math.min(seq, head);
    if (reached > read) this.#options.moves.moveRead(conversation, user, reached);
  }

  /** Notifies sessions of a read position that is on disk. */
  readSaved({ conversation, user, seq }: MoveRead): void {
    const { live, revisions } = this.#options;
    const key = readKey(conversation, user);
    // A later one was stored already. The same one may be known from a look-up in the store, which is ahead.
    if (seq < (this.#reads.peek(key) ?? 0)) return;
    this.#reads.set(key, seq);
    const receipt = { readSeq: seq, deliveredSeq: 0 };
    for (const each of live.of(user)) each.notify({ kind: "receipt", conversation, user, ...receipt });
    revisions.changed(user, conversation);
    if (isRoomId(conversation)) this.#notifyRoomLater(conversation);
    else void this.#notifyPeer(conversation, user, receipt);
  }

  /** Notes that an entry was offered. @param members the users of a direct conversation; empty in a room */
  published(message: Message, members: readonly string[]): void {
    const { conversation, seq, sender } = message;
    this.#heads.update(conversation, seq);
    for (const user of members) {
      // An entry that is looked up is noted when it is sent.
      if (user === sender || this.#options.settings.visibilityOf(user, message) !== "shown") continue;
      this.#deliveries.sent(user, message);
    }
  }

  /** Returns whether an entry of the conversation was offered recently. */
  hasEntries(conversation: string): boolean {
    return this.#heads.peek(conversation) !== undefined;
  }

  /** Notes that messages from the store are sent to a consumer of `user`. */
  sent(user: string, messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.sender !== user && !isRoomId(message.conversation)) this.#deliveries.sent(user, message);
    }
  }

  /** Notes that a consumer of `user` has received everything up to `position`. */
  acknowledged(user: string, position: number): void {
    this.#deliveries.acknowledged(user, position);
  }

  /** Notes that `user` has no session left. */
  left(user: string): void {
    this.#deliveries.left(user);
  }

  /**
   * Returns the readers of a message that `asker` may see; users without read receipts neither appear nor see readers.
   */
  async readersOf(asker: string, { conversation, seq, sender }: Message): Promise<{ users: string[]; count: number }> {
    const { roomStore, settings } = this.#options;
    if (!isRoomId(conversation) && await this.#areReceiptsHidden(directMembers(conversation))) {
      return { users: [], count: 0 };
    }
    if (!(await settings.settings(asker)).readReceipts) return { users: [], count: 0 };
    return await roomStore.readersOf(conversation, { asker, seq, except: sender, limit: maxReaders });
  }

  close(): void {
    clearTimeout(this.#roomTimer);
    this.#deliveries.close();
  }

  /** Notifies the peer of `user` in a direct conversation of their position, if both allow it. */
  async #notifyPeer(
    conversation: string,
    user: string,
    receipt: { readSeq: number; deliveredSeq: number },
  ): Promise<void> {
    const { live, log } = this.#options;
    const peer = directMembers(conversation).find((member) => member !== user);
    if (peer === undefined || !live.isOnline(peer)) return;
    try {
      if (await this.#areReceiptsHidden([user, peer])) return;
    } catch (error) {
      return log.error("a receipt could not be told", { user, error });
    }
    for (const each of live.of(peer)) each.notify({ kind: "receipt", conversation, user, ...receipt });
  }

  /** Returns whether one of two users hides receipts from the other. */
  async #areReceiptsHidden([one, other]: readonly string[]): Promise<boolean> {
    const { settings } = this.#options;
    if (other === undefined) return true;
    const all = await Promise.all([settings.settings(one), settings.settings(other)]);
    return all.some(({ readReceipts }) => !readReceipts) ||
      settings.isHidden(one, other) || settings.isHidden(other, one);
  }

  #notifyRoomLater(conversation: string): void {
    this.#dueRooms.add(conversation);
    this.#roomTimer ??= setTimeout(() => {
      this.#roomTimer = undefined;
      const due = [...this.#dueRooms];
      this.#dueRooms.clear();
      for (const conversation of due) {
        this.#notifyRoom(conversation).catch((error) =>
          this.#options.log.error("receipts could not be told", { conversation, error })
        );
      }
    }, roomIntervalMs);
  }

  async #notifyRoom(conversation: string): Promise<void> {
    const { live, rooms, roomStore, settings } = this.#options;
    const listeners = (room: RoomState) =>
      [...liveMembers(room, live)].filter((user) => settings.knownSettings(user).readReceipts);
    const room = await rooms.find(conversation);
    if (room === undefined || listeners(room).length === 0) return;
    const positions = await roomStore.readPositions(conversation, maxCounts);
    let readers = 0;
    const counts = positions.map((position) => ({ seq: position.seq, readers: readers += position.readers }));
    const notice = { kind: "room_receipts", conversation, counts } as const;
    for (const user of listeners(room)) for (const each of live.of(user)) each.notify(notice);
  }
}

function readKey(conversation: string, user: string): string {
  return `${conversation} ${user}`;
}
