/** What was submitted and not yet looked at. Iterated once. */
export class SubmissionQueue implements AsyncIterable<string> {
  readonly #texts: string[] = [];
  #ended = false;
  #wake = Promise.withResolvers<void>();

  push(text: string): void {
    this.#texts.push(text);
    this.#wake.resolve();
  }

  /** What was pushed before is still given out. */
  end(): void {
    this.#ended = true;
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void> {
    for (;;) {
      for (let text = this.#texts.shift(); text !== undefined; text = this.#texts.shift()) yield text;
      if (this.#ended) return;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }
}
