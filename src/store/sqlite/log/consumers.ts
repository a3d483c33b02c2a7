import { ChatError } from "../../../core/chat_error.ts";
import type { ConsumerOptions, ConsumerStart } from "../../../core/messages/message_store.ts";
import type { Database } from "../database.ts";

/** A use is written back no more often than this, in milliseconds. */
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

/** The consumers of devices, with their delivery cursors and when they were last used. */
export class Consumers {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepareStatements(database);
  }

  /**
   * The cursor of a consumer, made where there is none; see {@link MessageStore.openConsumer}. Nothing else runs meanwhile, so that the cursor
   * cannot be removed for its age between its look-up and the note of its use.
   * @param positionOf where a new one starts
   * @throws {ChatError} `storage_full` when it cannot be made
   */
  open(
    { device, name }: { device: string; name: string },
    { maxConsumers, start, usedAt = 0 }: ConsumerOptions,
    positionOf: (start: ConsumerStart | undefined) => number,
  ): number | undefined {
    const { find, count, add } = this.#statements;
    const known = find.get({ device, name }) as { position: number; usedAt: number } | undefined;
    if (known !== undefined) {
      if (usedAt - known.usedAt > noteEveryMs) this.#noteWhereRoom(device, name, usedAt);
      return known.position;
    }
    if ((count.get({ device }) as { count: number }).count >= maxConsumers) return undefined;
    const position = positionOf(start);
    // Lost only with everything that was committed after it; then nothing came, and the consumer starts there again.
    this.#database.transaction(() => add.run({ device, name, position, usedAt }), { durable: false });
    return position;
  }

  /** Lost in a power failure, it is noted again at the next use. @throws {ChatError} `storage_full` */
  noteUse(device: string, name: string, now: number): void {
    this.#database.transaction(() => this.#statements.noteUse.run({ device, name, now }), { durable: false });
  }

  /** People are served on a full disk, so that they can make room. */
  #noteWhereRoom(device: string, name: string, now: number): void {
    try {
      this.noteUse(device, name, now);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
    }
  }
}
