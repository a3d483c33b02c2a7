import { type PlainBatch, recordIdAt, recordTextAt, recordWord } from "../../../core/messages/plain_batch.ts";
import { isRoomId } from "../../../core/rooms/room.ts";
import { BinaryArray } from "../connection/binary_array.ts";
import type { Database } from "../connection/database.ts";
import type { Conversations } from "./conversations.ts";
import type { Heads } from "./heads.ts";
import type { UserIds } from "./user_ids.ts";

const append = `SELECT first, array_to_string(seqs, ',') AS seqs, array_to_string(events, ',') AS events
  FROM append_1($1, $2, $3, $4, $5, $6, $7, $8)`;

interface Appended {
  /** NULL if nothing was appended, as are the others. */
  readonly first: number | null;
  readonly seqs: string;
  readonly events: string;
}

/** A conversation of a batch. */
interface Target {
  readonly conversation: number;
  readonly isRoom: boolean;
  /** Its place among the conversations of the batch, from 1. */
  readonly place: number;
  /** The number of its messages. */
  count: number;
  /** The index of the last one. */
  last: number;
}

interface Rows {
  readonly targets: readonly Target[];
  /** The target of each message. */
  readonly targetOf: readonly Target[];
  /** Arrays of the senders, places, ordinals, ids, times and texts of the messages, for PostgreSQL. */
  readonly columns: readonly Uint8Array[];
}

export interface PlainCommitterOptions {
  readonly users: UserIds;
  readonly conversations: Conversations;
  readonly heads: Heads;
}

/** Commits batches of plain messages. */
export class PlainCommitter {
  readonly #database: Database;
  readonly #options: PlainCommitterOptions;

  constructor(database: Database, options: PlainCommitterOptions) {
    this.#database = database;
    this.#options = options;
  }

  /** See {@link MessageStore.commitPlain}. */
  async commit(batch: PlainBatch): Promise<boolean> {
    let rows = this.#rowsOf(batch);
    if (rows === undefined) {
      await this.#readNames(batch);
      rows = this.#rowsOf(batch);
    }
    if (rows === undefined) return false;
    // Nothing may wait from here on: a change of names would come before the call.
    const { targets, targetOf, columns } = rows;
    const keys = new BinaryArray("int8", { count: targets.length, bytes: 8 * targets.length });
    for (const { conversation } of targets) keys.addInt8(conversation);
    const rooms = targets.filter(({ isRoom }) => isRoom).map(({ conversation }) => conversation);
    const [{ first, seqs, events }] = await this.#database.commit<Appended>(append, [keys.bytes, rooms, ...columns]);
    if (first === null) return false;
    setNumbers(batch, { first, targetOf, seqs: seqs.split(","), events: events.split(",") });
    const moved = targets.filter(({ isRoom }) => !isRoom)
      .map(({ conversation, last }) => ({ conversation, position: first + last }));
    this.#options.heads.move(moved, first + batch.count - 1);
    return true;
  }

  /** Returns the rows of a batch; undefined if a name is not in memory. */
  #rowsOf({ bytes, words, routes, offsets, count }: PlainBatch): Rows | undefined {
    const { users, conversations } = this.#options;
    const targets = new Map<string, Target>();
    const targetOf: Target[] = [];
    let textBytes = 0;
    for (const at of offsets) textBytes += words[at / 8 + recordWord.textLength];
    const places = new BinaryArray("int4", { count, bytes: 4 * count });
    const ordinals = new BinaryArray("int4", { count, bytes: 4 * count });
    const senders = new BinaryArray("int8", { count, bytes: 8 * count });
    const ids = new BinaryArray("uuid", { count, bytes: 16 * count });
    const times = new BinaryArray("int8", { count, bytes: 8 * count });
    const texts = new BinaryArray("bytea", { count, bytes: textBytes });
    for (let index = 0; index < count; index++) {
      const { conversation: name, sender: senderName } = routes[index];
      const sender = users.cached(senderName);
      let target = targets.get(name);
      if (target === undefined) {
        const conversation = conversations.cached(name);
        if (conversation === undefined) return undefined;
        target = { conversation, isRoom: isRoomId(name), place: targets.size + 1, count: 0, last: 0 };
        targets.set(name, target);
      }
      if (sender === undefined) return undefined;
      target.count += 1;
      target.last = index;
      targetOf.push(target);
      const at = offsets[index];
      const textAt = at + recordTextAt;
      words[at / 8 + recordWord.seq] = target.count;
      places.addInt4(target.place);
      ordinals.addInt4(target.count);
      senders.addInt8(sender);
      ids.addBytes(bytes, at + recordIdAt, textAt);
      times.addInt8(words[at / 8 + recordWord.acceptedAt]);
      texts.addBytes(bytes, textAt, textAt + words[at / 8 + recordWord.textLength]);
    }
    const columns = [places, ordinals, senders, ids, times, texts].map((array) => array.bytes);
    return { targets: [...targets.values()], targetOf, columns };
  }

  /** Reads the keys of the batch's users and conversations into memory. */
  async #readNames({ routes }: PlainBatch): Promise<void> {
    const { users, conversations } = this.#options;
    await users.findAll([...new Set(routes.map(({ sender }) => sender))]);
    await conversations.findAll([...new Set(routes.map(({ conversation }) => conversation))]);
  }
}

/** Sets the numbers of stored messages, each of which has its ordinal among those of its conversation. */
function setNumbers(
  batch: PlainBatch,
  { first, targetOf, seqs, events }: {
    first: number;
    targetOf: readonly Target[];
    /** Of each target, before the batch. */
    seqs: readonly string[];
    events: readonly string[];
  },
): void {
  const { words, offsets } = batch;
  batch.firstPosition = first;
  offsets.forEach((at, index) => {
    const { place } = targetOf[index];
    words[at / 8 + recordWord.seq] += Number(seqs[place - 1]);
    words[at / 8 + recordWord.uncounted] = Number(events[place - 1]);
  });
}
