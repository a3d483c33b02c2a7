import type { ChatClient } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";

/** How long to collect read positions before telling them, in milliseconds. */
const gatherMs = 500;

/** Tells the server how far the person has read. */
export class ReadMarks {
  readonly #client: ChatClient;
  /** By address, positions that the server was told. */
  readonly #told = new Map<string, number>();
  /** By address, positions to tell. */
  readonly #wanted = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: ChatClient) {
    this.#client = client;
  }

  /** The person saw everything up to `seq` in the conversation with this address. */
  read(address: string, seq: number): void {
    if (seq <= Math.max(this.#told.get(address) ?? 0, this.#wanted.get(address) ?? 0)) return;
    this.#wanted.set(address, seq);
    this.#tellSoon();
  }

  /** There is a connection: positions that could not be told without one are told now. */
  connected(): void {
    if (this.#wanted.size > 0) this.#tellSoon();
  }

  /** The log is another one, in which these positions mean nothing. */
  forget(): void {
    this.#told.clear();
    this.#wanted.clear();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #tellSoon(): void {
    this.#timer ??= setTimeout(() => this.#tell(), gatherMs);
  }

  #tell(): void {
    this.#timer = undefined;
    if (this.#client.state.kind !== "online") return;
    for (const [address, seq] of this.#wanted) {
      this.#told.set(address, seq);
      this.#client.people.read(address, seq).catch((error) => {
        if (!(error instanceof ChatError)) throw error;
        if (error.code === "unavailable" && this.#told.get(address) === seq) this.#keep(address, seq);
      });
    }
    this.#wanted.clear();
  }

  /** The connection broke first: the next one is told. */
  #keep(address: string, seq: number): void {
    this.#told.delete(address);
    this.#wanted.set(address, Math.max(seq, this.#wanted.get(address) ?? 0));
  }
}
