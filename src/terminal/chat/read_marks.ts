import type { ChatClient } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";

/** What is shown together is told together, in milliseconds. */
const gatherMs = 500;

/** Tells the server what the person has had before them. */
export class ReadMarks {
  readonly #client: ChatClient;
  readonly #told = new Map<string, number>();
  readonly #shown = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: ChatClient) {
    this.#client = client;
  }

  /** Everything up to `seq` was shown in the conversation with this address. */
  shown(address: string, seq: number): void {
    if (seq <= Math.max(this.#told.get(address) ?? 0, this.#shown.get(address) ?? 0)) return;
    this.#shown.set(address, seq);
    this.#timer ??= setTimeout(() => this.#tell(), gatherMs);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #tell(): void {
    this.#timer = undefined;
    for (const [address, seq] of this.#shown) {
      this.#told.set(address, seq);
      this.#client.people.read(address, seq).catch((error) => {
        // What was not told counts as unread; the next message tells it.
        if (!(error instanceof ChatError)) throw error;
      });
    }
    this.#shown.clear();
  }
}
