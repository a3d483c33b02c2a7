import type { ChatClient, SendOptions } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import { sanitizeLine } from "../../core/sanitize.ts";

/** A message that was not accepted yet. */
interface Unsent {
  /** The conversation, as it is shown. */
  readonly to: string;
  readonly text: string;
}

export interface SendingOptions {
  readonly client: ChatClient;
  /** {@link Sending.lines} are others than before. */
  changed(): void;
  accepted(): void;
  /** It never will be. */
  refused(unsent: Unsent & { readonly typed: string }, reason: string): void;
}

const maxLines = 3;

/** What the person wrote and the server has not accepted yet. */
export class Sending {
  readonly #options: SendingOptions;
  readonly #unsent = new Set<Unsent>();

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  /** A few of them, safe for a terminal. */
  get lines(): string[] {
    const unsent = [...this.#unsent];
    const lines = unsent.slice(0, maxLines).map(({ to, text }) => ` sending to ${to}: ${sanitizeLine(text)}`);
    return unsent.length > maxLines ? [...lines, ` and ${unsent.length - maxLines} more`] : lines;
  }

  /** @param message.typed what is given back when it is refused */
  start(address: string, message: Unsent & { typed: string }, options: SendOptions): void {
    const { client, changed, accepted, refused } = this.#options;
    const unsent: Unsent = { to: message.to, text: message.text };
    this.#unsent.add(unsent);
    client.send(address, message.text, options)
      .then(accepted, (error) => refused(message, error instanceof ChatError ? error.message : String(error)))
      .finally(() => {
        this.#unsent.delete(unsent);
        changed();
      });
  }
}
