import { ChatError } from "../../../core/chat_error.ts";
import type { ConsumerOptions } from "../../../core/messages/message_store.ts";
import { isNoteDue, noteUseEveryMs } from "../../shared/consumer_use.ts";
import type { Database } from "../connection/database.ts";

interface ConsumerKey {
  /** The public id. */
  readonly device: string;
  readonly name: string;
}

/** The consumers of devices, with their delivery cursors and last uses. */
export class Consumers {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Returns the cursor of a consumer, creating it at `startAt` if necessary; see {@link MessageStore.openConsumer}.
   * @throws {ChatError} `storage_full` if it cannot be created
   */
  async open(
    { device, name }: ConsumerKey,
    options: ConsumerOptions & { startAt: number },
  ): Promise<number | undefined> {
    const { startAt, usedAt = 0, maxConsumers } = options;
    const [known] = await this.#database.read<{ position: number; usedAt: number }>(
      `SELECT position, used_at AS "usedAt" FROM consumer
       WHERE device = (SELECT id FROM device WHERE public_id = $1) AND name = $2`,
      [device, name],
    );
    if (known !== undefined && !isNoteDue(known, options)) return known.position;
    try {
      // Finds it again, because the cleanup may have removed it.
      const [{ position }] = await this.#database.write<{ position: number | null }>(
        "SELECT open_consumer_1($1, $2, $3, $4, $5, $6) AS position",
        [device, name, startAt, usedAt, noteUseEveryMs, maxConsumers],
      );
      return position ?? undefined;
    } catch (error) {
      // Users must be served on a full disk, to free space.
      if (known === undefined || !(error instanceof ChatError) || error.code === "unavailable") throw error;
      return known.position;
    }
  }

  /**
   * Records a use of a consumer.
   * @param key.device the public id
   */
  async noteUse({ device, name }: ConsumerKey, now: number): Promise<void> {
    await this.#database.write(
      `UPDATE consumer SET used_at = $3
       WHERE device = (SELECT id FROM device WHERE public_id = $1) AND name = $2 AND used_at < $3 - $4::bigint`,
      [device, name, now, noteUseEveryMs],
    );
  }
}
