/** How a message calls for attention. */
export type Weight = "own" | "silent" | "counted" | "mention" | "direct";

/** Messages whose weight is kept for each conversation. */
const maxKept = 1_000;

/** The weights of messages that arrived in this session, for later changes of them. */
export class MessageWeights {
  readonly #weights = new Map<string, Map<number, Weight>>();

  get(conversation: string, seq: number): Weight | undefined {
    return this.#weights.get(conversation)?.get(seq);
  }

  set(conversation: string, seq: number, weight: Weight): void {
    const weights = this.#weights.get(conversation) ?? new Map<number, Weight>();
    weights.set(seq, weight);
    if (weights.size > maxKept) weights.delete(weights.keys().next().value!);
    this.#weights.set(conversation, weights);
  }

  forget(conversation: string): void {
    this.#weights.delete(conversation);
  }

  clear(): void {
    this.#weights.clear();
  }
}
