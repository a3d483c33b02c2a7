import { ChatError } from "../../../core/chat_error.ts";
import type { ConsumerOptions, ConsumerStart } from "../../../core/messages/message_store.ts";
import { isNoteDue, noteUseEveryMs } from "../../shared/consumer_use.ts";
import type { Database } from "../database.ts";

const deviceId = "(SELECT id FROM device WHERE public_id = :device)";

interface ConsumerKey {
  /** The public id. */
  readonly device: string;
  readonly name: string;
}

interface KnownConsumer {
  readonly position: number;
  readonly usedAt: number;
}

function prepareStatements(database: Database) {
  return {
    find: database.prepare(
      `SELECT position, used_at AS usedAt FROM consumer WHERE device = ${deviceId} AND name = :name`,
    ),
    count: database.prepare(`SELECT count(*) AS count FROM consumer WHERE device = ${deviceId}`),
    add: database.prepare(
      `INSERT INTO consumer (device, name, position, used_at) VALUES (${deviceId}, :name, :position, :usedAt)`,
    ),
    noteUse: database.prepare(
      `UPDATE consumer SET used_at = :now
       WHERE device = ${deviceId} AND name = :name AND used_at < :now - ${noteUseEveryMs}`,
    ),
  };
}

/** The consumers of devices, with their delivery cursors and last uses. */
export class Consumers {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepareStatements(database);
  }

  /**
   * Returns the cursor of a consumer, creating it if necessary; see {@link MessageStore.openConsumer}.
   * @param positionOf returns the start of a new cursor
   * @throws {ChatError} `storage_full` if it cannot be created
   */
  async open(
    key: ConsumerKey,
    options: ConsumerOptions,
    positionOf: (start: ConsumerStart | undefined) => number,
  ): Promise<number | undefined> {
    const known = this.#find(key);
    if (known !== undefined && !isNoteDue(known, options)) return known.position;
    try {
      // A power failure that loses a new cursor also loses all later entries, so the consumer starts there again.
      return await this.#database.sharedTransaction(() => this.#findOrAdd(key, options, positionOf));
    } catch (error) {
      // Users must be served on a full disk, to free space.
      if (known === undefined || !(error instanceof ChatError)) throw error;
      return known.position;
    }
  }

  /**
   * Records a use without a sync; if a power failure loses it, the next use records it.
   * @throws {ChatError} `storage_full`
   */
  async noteUse(device: string, name: string, now: number): Promise<void> {
    await this.#database.sharedTransaction(() => this.#statements.noteUse.run({ device, name, now }));
  }

  #find(key: ConsumerKey): KnownConsumer | undefined {
    return this.#statements.find.get({ ...key }) as KnownConsumer | undefined;
  }

  /** Finds a consumer and notes its use in one turn, so that the cleanup cannot remove it in between; or adds it. */
  #findOrAdd(
    { device, name }: ConsumerKey,
    { maxConsumers, start, usedAt = 0 }: ConsumerOptions,
    positionOf: (start: ConsumerStart | undefined) => number,
  ): number | undefined {
    const { count, add, noteUse } = this.#statements;
    const known = this.#find({ device, name });
    if (known !== undefined) {
      noteUse.run({ device, name, now: usedAt });
      return known.position;
    }
    if ((count.get({ device }) as { count: number }).count >= maxConsumers) return undefined;
    const position = positionOf(start);
    add.run({ device, name, position, usedAt });
    return position;
  }
}
