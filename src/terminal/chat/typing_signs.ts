import type { ChatClient } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { isCommandLine } from "./command_line.ts";

/** How often to repeat that the person is typing, in milliseconds. */
const repeatMs = 4_000;
const maxNames = 3;

/** Users that are typing, by conversation; tells others that the person is typing. */
export class TypingSigns {
  readonly #client: ChatClient;
  readonly #writing = new Map<string, Set<string>>();
  #lastTold: { address: string; at: number } | undefined;

  constructor(client: ChatClient) {
    this.#client = client;
  }

  /** @returns whether the typing users changed. */
  heard({ conversation, user, stopped }: { conversation: string; user: string; stopped: boolean }): boolean {
    const users = this.#writing.get(conversation) ?? new Set();
    const before = users.size;
    if (stopped) users.delete(user);
    else users.add(user);
    if (users.size > 0) this.#writing.set(conversation, users);
    else this.#writing.delete(conversation);
    return users.size !== before;
  }

  /** "ben is typing"; "" when no user is. */
  describe(conversation: string): string {
    const users = [...this.#writing.get(conversation) ?? []].map(sanitizeLine);
    if (users.length === 0) return "";
    const names = users.slice(0, maxNames).join(", ");
    return users.length > maxNames
      ? `${names} and others are typing`
      : `${names} ${users.length > 1 ? "are" : "is"} typing`;
  }

  /** The person changed the draft for this address. A command does not count as typing. */
  edited(draft: string, address: string): void {
    const writes = draft.trim() !== "" && !isCommandLine(draft);
    if (!writes) return this.#stopped(address);
    const now = performance.now();
    if (this.#lastTold?.address === address && now - this.#lastTold.at < repeatMs) return;
    this.#lastTold = { address, at: now };
    this.#say(address, false);
  }

  /** The draft was sent: the message ends the typing. */
  sent(): void {
    this.#lastTold = undefined;
  }

  #stopped(address: string): void {
    if (this.#lastTold?.address !== address) return;
    this.#lastTold = undefined;
    this.#say(address, true);
  }

  #say(address: string, stopped: boolean): void {
    this.#client.people.typing(address, { stopped }).catch((error) => {
      // Typing is lossy.
      if (!(error instanceof ChatError)) throw error;
    });
  }
}
