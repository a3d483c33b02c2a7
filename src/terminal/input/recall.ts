/** Lines to keep at most. */
const maxLines = 500;

/** The lines that are browsed, as of the beginning, with their edits. */
export interface Browsing {
  readonly lines: readonly string[];
  /** The line that is shown. */
  readonly at: number;
  /** The new draft, which waits meanwhile. */
  readonly waiting: string;
}

/**
 * The lines that a draft can be exchanged with: those that were submitted, and texts that would be lost otherwise.
 * Browsing begins and ends at the new draft, which waits meanwhile.
 */
export class Recall {
  readonly #lines: string[] = [];
  /** Undefined while the new draft is shown. */
  browsing: Browsing | undefined;

  /** The newest last. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The line that is browsed, as it was; undefined while the new draft is shown. */
  get browsed(): string | undefined {
    return this.browsing?.lines[this.browsing.at];
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
    if (this.browsing === undefined) {
      const lines = offered === undefined ? [...this.#lines] : [...this.#lines, offered];
      return step > 0 || lines.length === 0 ? undefined : this.#begin(lines, lines.length - 1, shown);
    }
    const to = this.browsing.at + step;
    if (to < 0) return undefined;
    const { lines, waiting } = this.#keepEdited(this.browsing, shown);
    if (to >= lines.length) return this.#end();
    this.browsing = { lines, at: to, waiting };
    return lines[to];
  }

  /** Goes to the newest line that is this text. @returns the text to show */
  show(line: string, shown: string): string {
    if (this.browsing === undefined) return this.#begin([...this.#lines], this.#lines.lastIndexOf(line), shown);
    const { lines, waiting } = this.#keepEdited(this.browsing, shown);
    const at = lines.lastIndexOf(line);
    this.browsing = at < 0 ? { lines: [...lines, line], at: lines.length, waiting } : { lines, at, waiting };
    return line;
  }

  /** The shown text was submitted. @returns the text to show: the draft that waited */
  submitted(shown: string): string {
    this.add(shown);
    return this.#end();
  }

  /** The shown text was discarded: keeps it, and the draft that waited. */
  discarded(shown: string): void {
    const isEdited = this.browsing === undefined || isEditedIn(this.browsing, shown);
    this.add(this.#end());
    if (isEdited) this.add(shown);
  }

  /** Puts a text where the new draft is, if there is none. @returns the text to show; undefined when there is one */
  restore(text: string, shown: string): string | undefined {
    if (this.browsing === undefined) return shown === "" ? text : undefined;
    if (this.browsing.waiting !== "") return undefined;
    this.browsing = { ...this.browsing, waiting: text };
    return shown;
  }

  /** The texts that were not submitted: the new draft, and the shown line if it was edited. */
  unsent(shown: string): string {
    if (this.browsing === undefined) return shown;
    return [this.browsing.waiting, isEditedIn(this.browsing, shown) ? shown : ""].filter(Boolean).join("\n");
  }

  #begin(lines: readonly string[], at: number, shown: string): string {
    this.browsing = { lines, at, waiting: shown };
    return lines[at];
  }

  #end(): string {
    const waiting = this.browsing?.waiting ?? "";
    this.browsing = undefined;
    return waiting;
  }

  #keepEdited(browsing: Browsing, shown: string): Browsing {
    if (!isEditedIn(browsing, shown)) return browsing;
    this.add(shown);
    return { ...browsing, lines: browsing.lines.with(browsing.at, shown) };
  }
}

function isEditedIn({ lines, at }: Browsing, shown: string): boolean {
  return lines[at] !== shown;
}
