/** Lines to keep at most. */
const maxLines = 500;

/**
 * The lines that a draft can be exchanged with: those that were submitted, and texts that would be lost otherwise.
 * Browsing begins and ends at the new draft, which waits meanwhile.
 */
export class Recall {
  readonly #lines: string[] = [];
  /** The lines to browse, as of the beginning; undefined while the new draft is shown. */
  #browsed: string[] | undefined;
  /** The line of {@link #browsed} that is shown. */
  #at = 0;
  /** The new draft, while a line is shown. */
  #waiting = "";

  /** The newest last. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Keeps a text among the lines. */
  add(text: string): void {
    if (text === "" || this.#lines.at(-1) === text) return;
    this.#lines.push(text);
    if (this.#lines.length > maxLines) this.#lines.shift();
  }

  /**
   * Goes to the line before, or to the one after.
   * @param shown the text of the input line, which is kept
   * @param offered a line after the newest one, for an empty draft
   * @returns the text to show; undefined when there is no further line
   */
  move(step: -1 | 1, shown: string, offered?: string): string | undefined {
    if (this.#browsed === undefined) {
      const lines = offered === undefined ? this.#lines : [...this.#lines, offered];
      return step > 0 || lines.length === 0 ? undefined : this.#begin([...lines], lines.length - 1, shown);
    }
    const to = this.#at + step;
    if (to < 0) return undefined;
    this.#keepEdited(shown);
    if (to >= this.#browsed.length) return this.#end();
    this.#at = to;
    return this.#browsed[to];
  }

  /** Goes to the newest line that is this text. @returns the text to show */
  show(line: string, shown: string): string {
    if (this.#browsed === undefined) return this.#begin([...this.#lines], this.#lines.lastIndexOf(line), shown);
    this.#keepEdited(shown);
    this.#at = this.#browsed.lastIndexOf(line);
    if (this.#at < 0) this.#at = this.#browsed.push(line) - 1;
    return line;
  }

  /** The shown text was submitted. @returns the text to show: the draft that waited */
  submitted(shown: string): string {
    this.add(shown);
    return this.#end();
  }

  /** The shown text was discarded: keeps it, and the draft that waited. */
  discarded(shown: string): void {
    const isEdited = this.#browsed?.[this.#at] !== shown;
    this.add(this.#end());
    if (isEdited) this.add(shown);
  }

  /** Puts a text where the new draft is, if there is none. @returns the text to show; undefined when there is one */
  restore(text: string, shown: string): string | undefined {
    if (this.#browsed === undefined) return shown === "" ? text : undefined;
    if (this.#waiting !== "") return undefined;
    this.#waiting = text;
    return shown;
  }

  /** The texts that were not submitted: the new draft, and the shown line if it was edited. */
  unsent(shown: string): string {
    if (this.#browsed === undefined) return shown;
    return [this.#waiting, this.#browsed[this.#at] === shown ? "" : shown].filter(Boolean).join("\n");
  }

  #begin(browsed: string[], at: number, shown: string): string {
    this.#browsed = browsed;
    this.#at = at;
    this.#waiting = shown;
    return browsed[at];
  }

  #end(): string {
    const waiting = this.#waiting;
    this.#browsed = undefined;
    this.#waiting = "";
    return waiting;
  }

  #keepEdited(shown: string): void {
    if (this.#browsed![this.#at] === shown) return;
    this.#browsed![this.#at] = shown;
    this.add(shown);
  }
}
