import type { ConversationRef } from "./conversation_ref.ts";

export interface ReadingOptions {
  /** The person has read a conversation up to its newest entry, `seq`. */
  onRead(place: ConversationRef, seq: number): void;
}

/** Messages that the terminal shows count as read while the person is present; else once they return. */
export class Reading {
  readonly #options: ReadingOptions;
  /** By conversation, the newest entry that the terminal showed while the person was absent. */
  readonly #unseen = new Map<string, { readonly place: ConversationRef; readonly seq: number }>();

  constructor(options: ReadingOptions) {
    this.#options = options;
  }

  /** The terminal shows a conversation up to its newest entry, `seq`. */
  shown(place: ConversationRef, seq: number, { isPresent }: { isPresent: boolean }): void {
    if (isPresent) this.#options.onRead(place, seq);
    else this.#unseen.set(place.conversation, { place, seq });
  }

  /** The person sees everything that was shown in their absence. */
  returned(): void {
    for (const { place, seq } of this.#unseen.values()) this.#options.onRead(place, seq);
    this.#unseen.clear();
  }

  /** The log is another one, in which these positions mean nothing. */
  forget(): void {
    this.#unseen.clear();
  }
}
