import { ChatError } from "../../../core/chat_error.ts";
import type { ConsumerOptions, ConsumerStart } from "../../../core/messages/message_store.ts";
import type { Database } from "../database.ts";

/** Minimum time between two writes of a consumer's last use, in milliseconds. */
const noteEveryMs = 60 * 60 * 1000;
const deviceId = "(SELECT id FROM device WHERE public_id = :device)";

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
       WHERE device = ${deviceId} AND name = :name AND used_at < :now - ${noteEveryMs}`,
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
   * Returns the cursor of a consumer, creating it if necessary; see {@link MessageStore.openConsumer}. It is
   * synchronous, so the cleanup cannot remove the cursor between look-up and update.
   * @param positionOf returns the start of a new cursor
   * @throws {ChatError} `storage_full` if it cannot be created
   */
  open(
    { device, name }: { device: string; name: string },
    { maxConsumers, start, usedAt = 0 }: ConsumerOptions,
    positionOf: (start: ConsumerStart | undefined) => number,
  ): number | undefined {
    const { find, count, add } = this.#statements;
    const known = find.get({ device, name }) as { position: number; usedAt: number } | undefined;
    if (known !== undefined) {
      if (usedAt - known.usedAt > noteEveryMs) this.#noteIfPossible(device, name, usedAt);
      return known.position;
    }
    if ((count.get({ device }) as { count: number }).count >= maxConsumers) return undefined;
    const position = positionOf(start);
    // A power failure that loses the cursor also loses all later entries, so the consumer starts there again.
    this.#database.transaction(() => add.run({ device, name, position, usedAt }), { durable: false });
    return position;
  }

  /**
   * Records a use without a sync; if a power failure loses it, the next use records it.
   * @throws {ChatError} `storage_full`
   */
  noteUse(device: string, name: string, now: number): void {
    this.#database.transaction(() => this.#statements.noteUse.run({ device, name, now }), { durable: false });
  }

  /** Ignores a full disk, because users must be served to free space. */
  #noteIfPossible(device: string, name: string, now: number): void {
    try {
      this.noteUse(device, name, now);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
    }
  }
}
