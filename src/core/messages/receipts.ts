import type { Log } from "../log.ts";
import type { LiveSessions } from "../people/live_sessions.ts";
import type { StateRevisions } from "../people/state_revisions.ts";
import type { UserSettings } from "../people/user_settings.ts";
import { RecentMap } from "../recent_map.ts";
import { isRoomId } from "../rooms/room.ts";
import type { RoomCache } from "../rooms/room_cache.ts";
import type { RoomState } from "../rooms/room_state.ts";
import type { RoomStore } from "../rooms/room_store.ts";
import type { CommitQueue } from "./commit_queue.ts";
import { Deliveries } from "./deliveries.ts";
import { liveMembers } from "./fan_out.ts";
import { directMembers, type Message } from "./message.ts";
import type { MessageStore, MoveRead } from "./message_store.ts";

const maxKnown = 50_000;
/** How often the sessions in a room are told of what was read there. */
const roomIntervalMs = 1_000;
/** So many of the newest positions are told: those of messages that are still on people's screens. */
const maxCounts = 50;
const maxReaders = 100;

export interface ReceiptsOptions {
  live: LiveSessions;
  store: MessageStore;
  roomStore: RoomStore;
  rooms: RoomCache;
  commits: Pick<CommitQueue, "moveRead">;
  settings: UserSettings;
  revisions: StateRevisions;
  log: Log;
}

/** Who has read and got what. Positions are kept; what is told of them is lossy. */
export class Receipts {
  readonly #options: ReceiptsOptions;
  readonly #deliveries: Deliveries;
  /** Newest seq by conversation. */
  readonly #heads = new RecentMap<string, number>(maxKnown);
  /** What somebody has read of a conversation, on disk. */
  readonly #reads = new RecentMap<string, number>(maxKnown);
  /** Rooms in which something was read since they were told. */
  readonly #dueRooms = new Set<string>();
  #roomTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ReceiptsOptions) {
    this.#options = options;
    this.#deliveries = new Deliveries({
      live: options.live,
      delivered: (conversation, user, seq) =>
        void this.#tellPeer(conversation, user, { readSeq: 0, deliveredSeq: seq }),
    });
  }

  /** `user` has seen everything up to `seq` in a conversation that they are in. What is beyond its end counts as the end. */
  async read(user: string, conversation: string, seq: number): Promise<void> {
    const key = readKey(conversation, user);
    let [head, read] = [this.#heads.get(conversation), this.#reads.get(key)];
    if (head === undefined || read === undefined) {
      const summary = await this.#options.store.conversationOf(user, conversation);
      if (summary === undefined) return;
      head = Math.max(head ?? 0, summary.headSeq);
      read = Math.max(read ?? 0, summary.readSeq);
      this.#reads.set(key, read);
    }
    const reached = Math.min(seq, head);
    if (reached > read) this.#options.commits.moveRead(conversation, user, reached);
  }

  /** A read position is on disk. */
  readSaved({ conversation, user, seq }: MoveRead): void {
    const { live, revisions } = this.#options;
    this.#reads.set(readKey(conversation, user), seq);
    const receipt = { readSeq: seq, deliveredSeq: 0 };
    for (const each of live.of(user)) each.notify({ kind: "receipt", conversation, user, ...receipt });
    revisions.changed(user, conversation);
    if (isRoomId(conversation)) this.#tellRoomLater(conversation);
    else void this.#tellPeer(conversation, user, receipt);
  }

  /** A message was committed. @param members the two people of its conversation; none of a room */
  published(message: Message, members: readonly string[]): void {
    const { conversation, position, seq, sender } = message;
    this.#heads.set(conversation, seq);
    for (const user of members) {
      if (user === sender || this.#options.settings.isHidden(user, sender, position)) continue;
      this.#deliveries.sent(user, message);
    }
  }

  /** What was kept for a user is sent to one of their consumers. */
  sent(user: string, messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.sender !== user && !isRoomId(message.conversation)) this.#deliveries.sent(user, message);
    }
  }

  /** One of the user's consumers has everything up to `position`. */
  acknowledged(user: string, position: number): void {
    this.#deliveries.acknowledged(user, position);
  }

  /** The user has no session any more. */
  left(user: string): void {
    this.#deliveries.left(user);
  }

  /** Who has read a message that `asker` may see, of those who say so; the others do not see what `asker` has read. */
  async readersOf(asker: string, { conversation, seq, sender }: Message): Promise<{ users: string[]; count: number }> {
    const { roomStore, settings } = this.#options;
    if (!isRoomId(conversation) && await this.#isKept(directMembers(conversation))) return { users: [], count: 0 };
    if (!(await settings.settings(asker)).readReceipts) return { users: [], count: 0 };
    return await roomStore.readersOf(conversation, { asker, seq, except: sender, limit: maxReaders });
  }

  close(): void {
    clearTimeout(this.#roomTimer);
    this.#deliveries.close();
  }

  /** Tells the other one of two people how far `user` is, when both are to know. */
  async #tellPeer(
    conversation: string,
    user: string,
    receipt: { readSeq: number; deliveredSeq: number },
  ): Promise<void> {
    const { live, log } = this.#options;
    const peer = directMembers(conversation).find((member) => member !== user);
    if (peer === undefined || !live.isOnline(peer)) return;
    try {
      if (await this.#isKept([user, peer])) return;
    } catch (error) {
      return log.error("a receipt could not be told", { user, error });
    }
    for (const each of live.of(peer)) each.notify({ kind: "receipt", conversation, user, ...receipt });
  }

  /** Whether one of these two people does not tell the other one. */
  async #isKept([one, other]: readonly string[]): Promise<boolean> {
    const { settings } = this.#options;
    if (other === undefined) return true;
    const all = await Promise.all([settings.settings(one), settings.settings(other)]);
    return all.some(({ readReceipts }) => !readReceipts) ||
      settings.isHidden(one, other) || settings.isHidden(other, one);
  }

  #tellRoomLater(conversation: string): void {
    this.#dueRooms.add(conversation);
    this.#roomTimer ??= setTimeout(() => {
      this.#roomTimer = undefined;
      const due = [...this.#dueRooms];
      this.#dueRooms.clear();
      for (const conversation of due) {
        this.#tellRoom(conversation).catch((error) =>
          this.#options.log.error("receipts could not be told", { conversation, error })
        );
      }
    }, roomIntervalMs);
  }

  async #tellRoom(conversation: string): Promise<void> {
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
