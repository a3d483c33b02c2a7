import type { Message } from "../messages/message.ts";
import type { Room } from "./room.ts";
import { type RoomChange, RoomState } from "./room_state.ts";
import { isShortAddressOf, type ShortAddress } from "./short_address.ts";
import type { RoomRecord, RoomStore } from "./room_store.ts";

const maxRooms = 2_000;
/** People of all cached rooms, members or not. */
const maxPeople = 500_000;

/** A room that is being read from the store. */
interface Load {
  room: Promise<RoomState | undefined>;
  /** Changes of the room since the load began, in the order of the log: the record may be older. */
  changes: { readonly change: RoomChange; readonly entry: Message }[];
  /** The room changed beside its log, so the record may be stale. */
  isVoid: boolean;
}

/** Caches recently used rooms, each as one shared object; all changes of a room go through that object. */
export class RoomCache {
  readonly #store: RoomStore;
  /** In the order of eviction, with a second chance for a room that was used (`wasUsed`) since it was last looked at. */
  readonly #rooms = new Map<string, RoomState>();
  readonly #loads = new Map<string, Load>();
  readonly #idByName = new Map<string, string>();

  constructor(store: RoomStore) {
    this.#store = store;
  }

  /** Returns the cached room without querying the store, and without counting as use. */
  peek(id: string): RoomState | undefined {
    return this.#rooms.get(id);
  }

  /** Returns the cached room without querying the store; undefined also while it has to be read again. */
  use(id: string): RoomState | undefined {
    const room = this.#rooms.get(id);
    if (room === undefined || room.isOutdated) return undefined;
    room.wasUsed = true;
    return room;
  }

  /** Returns the cached public room of a name without querying the store. */
  peekPublic(name: string): RoomState | undefined {
    const room = this.#rooms.get(this.#idByName.get(name) ?? "");
    return room?.isPublic && room.name === name ? room : undefined;
  }

  async find(id: string): Promise<RoomState | undefined> {
    const known = this.#rooms.get(id);
    if (known === undefined) return await this.#load(id);
    known.wasUsed = true;
    return known;
  }

  async findPublic(name: string): Promise<RoomState | undefined> {
    const known = this.#idByName.get(name);
    return (known === undefined ? undefined : await this.#findNamed(name, known)) ??
      await this.#findNamed(name, await this.#store.findPublicRoom(name));
  }

  /** Finds the rooms that a short address may mean: of a user, among those that they may see; or else at most 100. */
  async findStarting(short: ShortAddress, user?: string): Promise<RoomState[]> {
    const found = user === undefined
      ? this.#store.findRoomsStarting(short)
      : this.#store.findRoomsStartingFor(user, short);
    const rooms = await Promise.all((await found).map((id) => this.find(id)));
    return rooms.filter((room) => room !== undefined).filter((room) => isShortAddressOf(short, room));
  }

  /**
   * Applies a change that is in the log, to a room in memory or on its way there. Changes come in the order of the log.
   * @param created the room of a `room_created`, which enters the cache by it
   * @returns the room in memory
   */
  apply(change: RoomChange, entry: Message, created: RoomState | undefined): RoomState | undefined {
    const room = this.peek(entry.conversation) ?? (change.event.kind === "room_created" ? created : undefined);
    this.#loads.get(entry.conversation)?.changes.push({ change, entry });
    if (room === undefined) return undefined;
    if (change.event.kind === "room_changed") this.#idByName.delete(room.name);
    room.apply(change, entry);
    if (change.event.kind === "room_created") this.#add(room);
    return room;
  }

  /** Forgets a deleted room. */
  forget({ id, name }: Pick<Room, "id" | "name">): void {
    this.#voidLoad(id);
    this.#rooms.delete(id);
    this.#idByName.delete(name);
  }

  /** Forgets rooms that contain a renamed user, or may soon. */
  forgetUser(name: string): void {
    for (const load of this.#loads.values()) load.isVoid = true;
    for (const room of this.#rooms.values()) {
      // A submitted change may be the join of that user.
      if (!room.roles.has(name) && !room.isChanging) continue;
      room.isOutdated = true;
      this.#forgetOutdated(room);
    }
  }

  /** Marks a room for reading again, as soon as it has no pending entries. */
  reload(id: string): void {
    const room = this.#rooms.get(id);
    this.#voidLoad(id);
    if (room === undefined) return;
    room.isOutdated = true;
    this.#forgetOutdated(room);
  }

  /** Counts a pending entry, until {@link settled}: a room with pending entries is not evicted. */
  submitted(room: RoomState): void {
    room.pending += 1;
  }

  settled(room: RoomState): void {
    room.pending -= 1;
    this.#forgetOutdated(room);
  }

  #forgetOutdated(room: RoomState): void {
    if (room.isOutdated && room.pending === 0 && this.peek(room.id) === room) this.#rooms.delete(room.id);
  }

  #voidLoad(id: string): void {
    const load = this.#loads.get(id);
    if (load !== undefined) load.isVoid = true;
  }

  async #findNamed(name: string, id: string | undefined): Promise<RoomState | undefined> {
    const room = id === undefined ? undefined : await this.find(id);
    if (!room?.isPublic || room.name !== name) {
      this.#idByName.delete(name);
      return undefined;
    }
    if (this.#idByName.size >= maxRooms) this.#idByName.clear();
    this.#idByName.set(name, room.id);
    return room;
  }

  #load(id: string): Promise<RoomState | undefined> {
    const underway = this.#loads.get(id);
    if (underway !== undefined) return underway.room;
    const load: Load = { room: Promise.resolve(undefined), changes: [], isVoid: false };
    this.#loads.set(id, load);
    return load.room = this.#read(id, load);
  }

  async #read(id: string, load: Load): Promise<RoomState | undefined> {
    try {
      for (;;) {
        const record = await this.#store.findRoom(id);
        // Created meanwhile: later changes went through that object.
        const known = this.peek(id);
        if (known !== undefined) return known;
        if (!load.isVoid && record !== undefined) return this.#add(toState(record, load.changes));
        // A room that was not there yet when it was looked for.
        if (!load.isVoid && load.changes.length === 0) return undefined;
        load.isVoid = false;
        load.changes = [];
      }
    } finally {
      this.#loads.delete(id);
    }
  }

  #add(room: RoomState): RoomState {
    this.#rooms.set(room.id, room);
    this.#trim(room);
    return room;
  }

  #trim(newest: RoomState): void {
    let people = 0;
    for (const { roles } of this.#rooms.values()) people += roles.size;
    for (const [id, room] of this.#rooms) {
      if (this.#rooms.size <= maxRooms && people <= maxPeople) return;
      if (room.pending > 0 || room === newest) continue;
      this.#rooms.delete(id);
      if (room.wasUsed) this.#rooms.set(id, room);
      else people -= room.roles.size;
      room.wasUsed = false;
    }
  }
}

/** Returns the room of a record, with the changes that came after it. */
function toState(record: RoomRecord, changes: Load["changes"]): RoomState {
  const room = new RoomState(record);
  for (const { change, entry } of changes) room.apply(change, entry);
  return room;
}
