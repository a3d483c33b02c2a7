import { pause } from "../../../core/pause.ts";
import { Connection } from "../connection/connection.ts";
import type { DatabaseAccess } from "../connection/database_address.ts";

const reopenMs = 5_000;

export interface NoticesOptions {
  readonly channel: string;
  /** That of the lease: a takeover ends the connection, since unread notices of a frozen node fill the queue of all. */
  readonly generation: number;
  onNotice(payload: string): void;
}

/**
 * Listens for notices of other processes on a connection of its own, which is opened again when it is lost. Notices may
 * be lost without a sign, so they only make something happen earlier.
 */
export class Notices implements AsyncDisposable {
  readonly #closed = new AbortController();
  readonly #listening: Promise<void>;
  #connection: Connection | undefined;

  constructor(access: DatabaseAccess, options: NoticesOptions) {
    this.#listening = this.#listen(access, options);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#connection?.close();
    await this.#listening;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen(access: DatabaseAccess, { channel, generation, onNotice }: NoticesOptions): Promise<void> {
    const { signal } = this.#closed;
    do {
      try {
        await using connection = await Connection.open(access, { name: "listen", generation });
        this.#connection = connection;
        if (signal.aborted) return;
        connection.onNotice = onNotice;
        await connection.query(`LISTEN ${channel}`);
        await connection.ended;
      } catch {
        // Opened again below; listeners find the changes without notices, later.
      }
      this.#connection = undefined;
    } while (await pause(reopenMs, signal));
  }
}
