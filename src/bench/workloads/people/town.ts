import { systemClock } from "../../../core/clock.ts";
import { createMessageId } from "../../../core/messages/message_id.ts";
import type { Append } from "../../../core/messages/message_store.ts";
import { roomIdFor } from "../../../core/rooms/room.ts";
import type { Store } from "../../../store/store.ts";
import type { Account } from "../../systems/accounts.ts";

/** Rooms of one size. */
export interface RoomGroup {
  readonly count: number;
  readonly members: number;
}

/** The rooms of 1,000 people who are online: three for each of them. */
export const standardRooms: readonly RoomGroup[] = [
  { count: 1, members: 500 },
  { count: 2, members: 200 },
  { count: 5, members: 100 },
  { count: 10, members: 50 },
  { count: 50, members: 20 },
  { count: 150, members: 5 },
];

/** A place where people write. */
export interface Place {
  /** Address of the conversation. */
  readonly to: string;
  /** How many others receive a message. */
  readonly others: number;
}

export interface TownRoom extends Place {
  /** Numbers of people; the first one is the owner. */
  readonly members: readonly number[];
}

/** Shares of messages by the members of the place; a person without such a room writes to one other person. */
const shares = [
  { share: 0.6, from: 0, to: 2 },
  { share: 0.3, from: 3, to: 20 },
  { share: 0.08, from: 21, to: 100 },
  { share: 0.02, from: 101, to: Infinity },
];

/** A person writes alone to those whose numbers are this much higher or lower. */
const contactDistances = [1, 7, 50];

/** People with rooms and contacts: the same in every run. */
export class Town {
  readonly rooms: readonly TownRoom[];
  readonly #size: number;
  /** For each person, the rooms by the index of `shares`. */
  readonly #roomsOf: (readonly TownRoom[])[][];

  constructor(people: number, groups: readonly RoomGroup[]) {
    this.#size = people;
    const random = new SeededRandom();
    const all = groups.flatMap(({ count, members }) => Array.from({ length: count }, () => members));
    this.rooms = all.map((members, index) => ({
      to: `#${roomName(index)}`,
      others: members - 1,
      members: random.some(members, people),
    }));
    this.#roomsOf = Array.from({ length: people }, () => shares.map(() => []));
    for (const room of this.rooms) {
      const kind = shares.findIndex(({ from, to }) => room.members.length >= from && room.members.length <= to);
      for (const person of room.members) this.#roomsOf[person][kind] = [...this.#roomsOf[person][kind], room];
    }
  }

  /** Returns a place where a person writes next. */
  place(person: number, names: readonly string[]): Place {
    let left = Math.random();
    const kind = shares.findIndex(({ share }) => (left -= share) < 0);
    const rooms = this.#roomsOf[person][Math.max(kind, 0)];
    if (rooms.length > 0) return pick(rooms);
    const distance = pick(contactDistances) * (Math.random() < 0.5 ? 1 : -1);
    const contact = ((person + distance) % this.#size + this.#size) % this.#size;
    return { to: names[contact], others: 1 };
  }

  /** Writes the rooms to a store that no server uses. */
  async fill(store: Store, accounts: readonly Account[]): Promise<void> {
    const acceptedAt = systemClock.now();
    for (const [index, { members }] of this.rooms.entries()) {
      const names = members.map((person) => accounts[person].name);
      const conversation = await roomIdFor(names[0], createMessageId());
      const entries = names.map((sender, i): Append => ({
        kind: "append",
        conversation,
        members: [],
        id: createMessageId(),
        sender,
        acceptedAt,
        text: i === 0 ? roomName(index) : "",
        event: i === 0 ? { kind: "room_created", isPublic: true, historyVisible: false } : { kind: "joined" },
      }));
      await store.messages.commit(entries);
    }
  }
}

function roomName(index: number): string {
  return `bench-${index}`;
}

export function pick<T>(all: readonly T[]): T {
  return all[Math.floor(Math.random() * all.length)];
}

/** The same numbers in every run (the generator of Park and Miller). */
class SeededRandom {
  #state = 1;

  /** Returns `count` different numbers below `limit`. */
  some(count: number, limit: number): number[] {
    const found = new Set<number>();
    while (found.size < Math.min(count, limit)) {
      this.#state = this.#state * 48_271 % 0x7fff_ffff;
      found.add(this.#state % limit);
    }
    return [...found];
  }
}
