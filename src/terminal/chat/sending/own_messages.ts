import type { Message } from "../../../core/messages/message.ts";

/** The person's newest message in each conversation, as far as this terminal showed it. */
export class OwnMessages {
  readonly #me: string;
  readonly #newest = new Map<string, { readonly seq: number; readonly text: string }>();

  constructor({ me }: { me: string }) {
    this.#me = me;
  }

  newest(conversation: string): { readonly seq: number; readonly text: string } | undefined {
    return this.#newest.get(conversation);
  }

  /** Learns from a message that arrived or was loaded. */
  learn({ conversation, seq, sender, text, event, deleted, withheld, automatic }: Message): void {
    const known = this.#newest.get(conversation);
    if (event?.kind === "edited" && event.target === known?.seq) {
      this.#newest.set(conversation, { seq: known.seq, text });
    } else if (event?.kind === "deleted" && event.target === known?.seq) this.#newest.delete(conversation);
    if (event !== undefined || sender !== this.#me || automatic || seq < (known?.seq ?? 0)) return;
    if (!deleted && !withheld && text !== "") this.#newest.set(conversation, { seq, text });
    else if (seq === known?.seq) this.#newest.delete(conversation);
  }

  /** Drops everything: the log is another one. */
  forget(): void {
    this.#newest.clear();
  }
}
