import type { ChatClient, SendOptions } from "../../../client/chat_client.ts";
import { sanitizeLine } from "../../../core/sanitize.ts";
import type { ConversationRef } from "../conversations/conversation_ref.ts";
import { isRoomName } from "../conversations/room_names.ts";

/** A message that the person wrote and the server has not accepted yet. */
export interface UnsentMessage {
  readonly place: ConversationRef;
  /** The conversation's name, safe for a terminal. */
  readonly label: string;
  readonly text: string;
  /** The line that the person typed. */
  readonly typed: string;
}

export interface SendingOptions {
  readonly client: ChatClient;
  /** Asks which room a place is, if that is not known. @throws {ChatError} */
  resolve(place: ConversationRef): Promise<ConversationRef>;
  /** {@link Sending.lines} changed. */
  changed(): void;
  /** The server accepted a message. */
  accepted(): void;
  /** The message will never be accepted. */
  /** The server did not take it, or the chat ended before the answer. */
  refused(unsent: UnsentMessage, error: unknown): void;
}

const maxLines = 3;

/** Messages that the person wrote and the server has not accepted yet. */
export class Sending {
  readonly #options: SendingOptions;
  readonly #unsent = new Map<UnsentMessage, Promise<void>>();

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  /** The first few messages, safe for a terminal. */
  get lines(): string[] {
    const unsent = [...this.#unsent.keys()];
    const lines = unsent.slice(0, maxLines).map(({ label, text }) => `  sending to ${label}: ${sanitizeLine(text)}`);
    return unsent.length > maxLines ? [...lines, `  and ${unsent.length - maxLines} more`] : lines;
  }

  start(unsent: UnsentMessage, options: SendOptions): void {
    const { client, resolve, changed, accepted, refused } = this.#options;
    const { place, text } = unsent;
    const sent = isRoomName(place)
      ? resolve(place).then(({ address }) => client.send(address, text, options))
      : client.send(place.address, text, options);
    const settled = sent
      .then(accepted, (error) => refused(unsent, error))
      .finally(() => {
        this.#unsent.delete(unsent);
        changed();
      });
    this.#unsent.set(unsent, settled);
    changed();
  }

  /** Resolves when every message was accepted or refused. */
  async ended(): Promise<void> {
    await Promise.all(this.#unsent.values());
  }
}
