import type { ConsumerOptions } from "../../../core/messages/message_store.ts";
import type { Database } from "../connection/database.ts";

/** The consumers of devices, with their delivery cursors and last uses. */
export class Consumers {
  constructor(_database: Database) {}

  /**
   * Returns the cursor of a consumer, creating it at `start` if necessary; see {@link MessageStore.openConsumer}.
   * @param key.device the public id
   */
  open(
    _key: { device: string; name: string },
    _options: ConsumerOptions & { startAt: number },
  ): Promise<number | undefined> {
    throw new Error("not written");
  }
}
