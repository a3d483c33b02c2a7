import type { ChatClient } from "../../../client/chat_client.ts";
import { isTransient } from "../../../client/server_error.ts";
import { systemTimers, type Timers } from "../../../client/timers.ts";
import { ChatError } from "../../../core/chat_error.ts";

/** How long to collect read positions before telling them, in milliseconds. */
const gatherMs = 500;
/** How long to wait after a failed attempt, in milliseconds. */
const retryMs = 5_000;

/** Tells the server how far the person has read. A position counts as told when the server has confirmed it. */
export class ReadMarks {
  readonly #client: Pick<ChatClient, "state" | "people">;
  readonly #timers: Timers;
  /** By address, positions that the server has. */
  #told = new Map<string, number>();
  /** By address, positions to tell. */
  #wanted = new Map<string, number>();
  /** By address, the attempts that are on their way. */
  #telling = new Map<string, Promise<void>>();
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(client: Pick<ChatClient, "state" | "people">, timers: Timers = systemTimers) {
    this.#client = client;
    this.#timers = timers;
  }

  /** The person saw everything up to `seq` in the conversation with this address. */
  read(address: string, seq: number): void {
    if (seq <= Math.max(this.#told.get(address) ?? 0, this.#wanted.get(address) ?? 0)) return;
    this.#wanted.set(address, seq);
    this.#tellIn(gatherMs);
  }

  /** There is a connection: positions that could not be told without one are told now. */
  connected(): void {
    if (this.#wanted.size > 0) this.#tellIn(gatherMs);
  }

  /** Tells all positions without a delay. Resolves when the server has answered, or cannot be asked. */
  async tellNow(): Promise<void> {
    await Promise.all([...this.#wanted.keys()].map(async (address) => {
      await this.#telling.get(address);
      const seq = this.#wanted.get(address);
      if (seq !== undefined && this.#client.state.kind === "online") await this.#tell(address, seq);
    }));
  }

  /** The log is another one, in which these positions mean nothing. */
  forget(): void {
    this.#told = new Map();
    this.#wanted = new Map();
    this.#telling = new Map();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  #tellIn(ms: number): void {
    if (this.#isClosed) return;
    this.#cancel ??= this.#timers.after(ms, () => {
      this.#cancel = undefined;
      if (this.#client.state.kind !== "online") return;
      for (const [address, seq] of this.#wanted) if (!this.#telling.has(address)) void this.#tell(address, seq);
    });
  }

  #tell(address: string, seq: number): Promise<void> {
    const attempt = this.#attempt(address, seq);
    this.#telling.set(address, attempt);
    return attempt;
  }

  async #attempt(address: string, seq: number): Promise<void> {
    // Another log has other ones.
    const [told, wanted, telling] = [this.#told, this.#wanted, this.#telling];
    let next = gatherMs;
    try {
      await this.#client.people.read(address, seq);
      told.set(address, seq);
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (isTransient(error)) next = Math.max(retryMs, error.retryAfterMs ?? 0);
      // The server will not take it, as of a room that the person left.
      else told.set(address, seq);
    }
    telling.delete(address);
    if ((wanted.get(address) ?? 0) <= (told.get(address) ?? 0)) wanted.delete(address);
    else if (wanted === this.#wanted) this.#tellIn(next);
  }
}
