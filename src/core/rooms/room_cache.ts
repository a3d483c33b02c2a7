import { RoomState } from "./room_state.ts";
import type { RoomStore } from "./room_store.ts";

const maxRooms = 2_000;
/** People of all cached rooms, members or not. */
const maxPeople = 500_000;

/** Caches recently used rooms, each as one shared object; all changes of a room go through that object. */
export class RoomCache {
  readonly #store: RoomStore;
  /** Least recently used first. */
  readonly #rooms = new Map<string, RoomState>();
  readonly #loading = new Map<string, Promise<RoomState | undefined>>();
  /** Rooms that have to be read again. */
  readonly #outdated = new WeakSet<RoomState>();
  readonly #idByName = new Map<string, string>();

  constructor(store: RoomStore) {
    this.#store = store;
  }

  /** Returns the cached room without querying the store. */
  peek(id: string): RoomState | undefined {
    return this.#rooms.get(id);
  }

  async find(id: string): Promise<RoomState | undefined> {
    const known = this.#rooms.get(id);
    if (known === undefined) return await this.#load(id);
    this.#rooms.delete(id);
    this.#rooms.set(id, known);
    return known;
  }

  async findPublic(name: string): Promise<RoomState | undefined> {
    const known = this.#idByName.get(name);
    return (known === undefined ? undefined : await this.#findNamed(name, known)) ??
      await this.#findNamed(name, await this.#store.findPublicRoom(name));
  }

  /** Adds a room that was just created. */
  add(room: RoomState): void {
    this.#rooms.set(room.id, room);
    this.#trim(room);
  }

  /** Forgets a deleted room. */
  forget(id: string): void {
    this.#loading.delete(id);
    this.#rooms.delete(id);
  }

  /** Forgets rooms that contain a renamed user. */
  forgetUser(name: string): void {
    for (const room of this.#rooms.values()) {
      if (!room.roles.has(name)) continue;
      this.#outdated.add(room);
      this.#forgetOutdated(room);
    }
  }

  /** Marks a room for reading again, as soon as it has no pending entries. */
  reload(id: string): void {
    const room = this.#rooms.get(id);
    this.#loading.delete(id);
    if (room === undefined) return;
    this.#outdated.add(room);
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

  /** Forgets a name that moved to another room, or to none. */
  forgetName(name: string): void {
    this.#idByName.delete(name);
  }

  #forgetOutdated(room: RoomState): void {
    if (room.pending === 0 && this.#outdated.delete(room) && this.peek(room.id) === room) this.forget(room.id);
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
    const loading = this.#loading.get(id);
    if (loading !== undefined) return loading;
    const begun = this.#store.findRoom(id).then((record) => {
      // Marked for reading meanwhile: the record may be stale.
      if (this.#loading.get(id) !== begun) return this.find(id);
      this.#loading.delete(id);
      if (record === undefined) return undefined;
      const room = new RoomState(record);
      this.add(room);
      return room;
    }).catch((error) => {
      this.#loading.delete(id);
      throw error;
    });
    this.#loading.set(id, begun);
    return begun;
  }

  #trim(newest: RoomState): void {
    let people = 0;
    for (const { roles } of this.#rooms.values()) people += roles.size;
    for (const [id, room] of this.#rooms) {
      if (this.#rooms.size <= maxRooms && people <= maxPeople) return;
      if (room.pending > 0 || room === newest) continue;
      this.#rooms.delete(id);
      people -= room.roles.size;
    }
  }
}
