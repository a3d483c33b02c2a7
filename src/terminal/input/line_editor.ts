import type { Key, KeyCommand } from "./key_decoder.ts";

export type EditorKey = Exclude<Key, { kind: "cursor" | "focus" | "screen" }>;

export type EditorAction =
  | { readonly kind: "submit"; readonly text: string }
  | { readonly kind: "clear-screen" }
  /** Ctrl-C on an empty draft. */
  | { readonly kind: "interrupt" }
  /** Ctrl-D on an empty draft. */
  | { readonly kind: "end-of-input" };

export interface LineEditorOptions {
  /** Whether submitted lines can be recalled. Default true. */
  history?: boolean;
  /** Longest draft, in UTF-16 units; more is dropped. Default 64 Ki. */
  maxLength?: number;
  /** Returns whole replacements of the text before the cursor. */
  complete?(before: string): string[];
  /** Whether "submit" replaces a backslash before the cursor with a new line. Default false. */
  continues?: boolean;
}

const maxHistory = 500;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
// deno-lint-ignore no-control-regex -- control characters are kept out
const unwelcome = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** A draft with its cursor, edited by keys. Draws nothing. */
export class LineEditor {
  #text = "";
  #cursor = 0;
  #killed = "";
  readonly #history: string[] = [];
  /** The index in the history that the draft comes from; its length for a new draft. */
  #recalled = 0;
  #unsent = "";
  readonly #options: LineEditorOptions;

  constructor(options: LineEditorOptions = {}) {
    this.#options = options;
  }

  get text(): string {
    return this.#text;
  }

  /** In UTF-16 units; never within a grapheme. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Submitted lines, the newest last. */
  get history(): readonly string[] {
    return this.#history;
  }

  setText(text: string): void {
    this.#text = text;
    this.#cursor = text.length;
  }

  apply(key: EditorKey): EditorAction | undefined {
    if (key.kind === "command") return this.#commands[key.command]();
    this.#insert(key.kind === "paste" ? key.text.replace(/\n+$/, "") : key.text);
  }

  readonly #commands: Record<KeyCommand, () => EditorAction | undefined> = {
    submit: () => this.#submit(),
    newline: () => this.#insert("\n"),
    left: () => this.#moveTo(this.#before(this.#cursor)),
    right: () => this.#moveTo(this.#after(this.#cursor)),
    "word-left": () => this.#moveTo(this.#wordStart()),
    "word-right": () => this.#moveTo(this.#wordEnd()),
    start: () => this.#moveTo(this.#lineStart()),
    end: () => this.#moveTo(this.#lineEnd()),
    up: () => this.#recall(this.#recalled - 1),
    down: () => this.#recall(this.#recalled + 1),
    "erase-left": () => this.#erase(this.#before(this.#cursor), this.#cursor),
    "erase-right": () => this.#erase(this.#cursor, this.#after(this.#cursor)),
    "erase-word-left": () => this.#kill(this.#wordStart(), this.#cursor),
    "erase-word-right": () => this.#kill(this.#cursor, this.#wordEnd()),
    "erase-to-start": () => this.#kill(this.#lineStart(), this.#cursor),
    "erase-to-end": () => this.#kill(this.#cursor, this.#lineEnd()),
    yank: () => this.#insert(this.#killed),
    complete: () => this.#complete(),
    "clear-screen": () => ({ kind: "clear-screen" }),
    interrupt: () => this.#interrupt(),
    "end-of-input": () =>
      this.#text === "" ? { kind: "end-of-input" } : this.#erase(this.#cursor, this.#after(this.#cursor)),
  };

  #submit(): EditorAction | undefined {
    const text = this.#text;
    if (this.#options.continues && text[this.#cursor - 1] === "\\") {
      this.#erase(this.#cursor - 1, this.#cursor);
      return this.#insert("\n");
    }
    if (text !== "" && this.#options.history !== false && this.#history.at(-1) !== text) this.#history.push(text);
    if (this.#history.length > maxHistory) this.#history.shift();
    this.#recalled = this.#history.length;
    this.setText("");
    return { kind: "submit", text };
  }

  #interrupt(): EditorAction | undefined {
    if (this.#text === "") return { kind: "interrupt" };
    this.#recalled = this.#history.length;
    this.setText("");
  }

  #insert(text: string): undefined {
    const room = (this.#options.maxLength ?? 64 * 1024) - this.#text.length;
    const added = text.replace(unwelcome, "").slice(0, Math.max(0, room)).toWellFormed();
    this.#text = this.#text.slice(0, this.#cursor) + added + this.#text.slice(this.#cursor);
    this.#cursor += added.length;
    // A combining mark joins the character before it.
    if (this.#cursor < this.#text.length) this.#cursor = this.#boundaryAtOrAfter(this.#cursor);
  }

  #erase(from: number, to: number): undefined {
    this.#text = this.#text.slice(0, from) + this.#text.slice(to);
    this.#cursor = this.#boundaryAtOrAfter(from);
  }

  #kill(from: number, to: number): undefined {
    if (from < to) this.#killed = this.#text.slice(from, to);
    this.#erase(from, to);
  }

  #moveTo(cursor: number): undefined {
    this.#cursor = cursor;
  }

  #recall(index: number): undefined {
    if (index < 0 || index > this.#history.length || this.#options.history === false) return;
    if (this.#recalled === this.#history.length) this.#unsent = this.#text;
    this.#recalled = index;
    this.setText(index === this.#history.length ? this.#unsent : this.#history[index]);
  }

  #complete(): undefined {
    const before = this.#text.slice(0, this.#cursor);
    const candidates = this.#options.complete?.(before) ?? [];
    if (candidates.length === 0) return;
    const common = candidates.reduce((prefix, candidate) => {
      let length = 0;
      while (length < prefix.length && prefix[length] === candidate[length]) length++;
      return prefix.slice(0, length);
    });
    // A single candidate may be shorter than the text: ":tada" becomes "🎉".
    if (candidates.length > 1 && common.length < before.length) return;
    this.#text = common + this.#text.slice(this.#cursor);
    this.#cursor = common.length;
  }

  #before(index: number): number {
    let before = 0;
    for (const { index: start } of graphemes.segment(this.#text)) {
      if (start >= index) break;
      before = start;
    }
    return before;
  }

  #after(index: number): number {
    const segment = graphemes.segment(this.#text).containing(index);
    return segment ? segment.index + segment.segment.length : this.#text.length;
  }

  #boundaryAtOrAfter(index: number): number {
    const segment = graphemes.segment(this.#text).containing(index);
    return !segment || segment.index === index ? index : segment.index + segment.segment.length;
  }

  #wordStart(): number {
    return this.#text.slice(0, this.#cursor).replace(/\S+\s*$|\s+$/, "").length;
  }

  #wordEnd(): number {
    return this.#cursor + /^\s*\S*/.exec(this.#text.slice(this.#cursor))![0].length;
  }

  #lineStart(): number {
    return this.#cursor === 0 ? 0 : this.#text.lastIndexOf("\n", this.#cursor - 1) + 1;
  }

  #lineEnd(): number {
    const end = this.#text.indexOf("\n", this.#cursor);
    return end < 0 ? this.#text.length : end;
  }
}
