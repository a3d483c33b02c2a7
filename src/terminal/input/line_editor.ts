import { cursorInNextRow, type InputShape, unwrapped } from "./input_layout.ts";
import type { Key, KeyCommand } from "./key_decoder.ts";
import { Recall } from "./recall.ts";
import { type ChangeKind, type DraftState, Undo } from "./undo.ts";

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
  /** Returns a line that "up" shows first in an empty draft, before the newest line of the history. */
  offer?(): string | undefined;
  /** The shape of the input line on the terminal, by whose rows "up" and "down" move. Default: newlines alone. */
  shape?(): InputShape;
  /** Whether "submit" replaces a backslash before the cursor with a new line. Default false. */
  continues?: boolean;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
// deno-lint-ignore no-control-regex -- control characters are kept out
const unwelcome = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** A draft with its cursor, edited by keys. Draws nothing. */
export class LineEditor {
  #text = "";
  #cursor = 0;
  #killed = "";
  readonly #recall = new Recall();
  readonly #undo = new Undo();
  /** The column that "up" and "down" keep to, while they follow one another. */
  #column: number | undefined;
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

  /** Lines that can be recalled, the newest last. */
  get history(): readonly string[] {
    return this.#recall.lines;
  }

  /** The line of the history that is shown, as it was before it was edited; undefined while none is. */
  get recalled(): string | undefined {
    return this.#recall.browsed;
  }

  /** The text that was not submitted, whether it is shown or waits while a line is recalled. */
  get draft(): string {
    return this.#recall.unsent(this.#text);
  }

  /** Makes a text the draft, whose changes begin here. */
  setText(text: string): void {
    this.#undo.clear();
    this.#recall.browsing = undefined;
    this.#show(text);
  }

  /** Shows a line of the history. The draft waits for "down"; "undo" brings it back, too. */
  recall(line: string): void {
    this.#change("other", () => this.#show(this.#recall.show(line, this.#text)));
  }

  /** Adds a line to the history. */
  keep(line: string): void {
    this.#recall.add(line);
  }

  /** Makes a text the draft, if there is none. @returns false when there is one */
  restore(text: string): boolean {
    const shown = this.#recall.restore(text, this.#text);
    if (shown === undefined) return false;
    // The states before this one do not have the text.
    this.#undo.clear();
    if (shown !== this.#text) this.#show(shown);
    return true;
  }

  apply(key: EditorKey): EditorAction | undefined {
    if (!isVertical(key)) this.#column = undefined;
    return this.#change(changeKind(key), () => {
      if (key.kind === "command") return this.#commands[key.command]();
      this.#insert(key.kind === "paste" ? key.text.replace(/\n+$/, "") : key.text);
    });
  }

  /** Makes a change that "undo" takes back, unless it ends the draft. */
  #change(kind: ChangeKind, change: () => EditorAction | undefined | void): EditorAction | undefined {
    const before = this.#state;
    const action = change();
    if (action?.kind === "submit") this.#undo.clear();
    else if (kind !== "undo" && this.#text !== before.text) this.#undo.changed(before, this.#state, kind);
    return action ?? undefined;
  }

  get #state(): DraftState {
    return { text: this.#text, cursor: this.#cursor, browsing: this.#recall.browsing };
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
    up: () => this.#moveToRow(-1) ? undefined : this.#recallNext(-1),
    down: () => this.#moveToRow(1) ? undefined : this.#recallNext(1),
    "erase-left": () => this.#erase(this.#before(this.#cursor), this.#cursor),
    "erase-right": () => this.#erase(this.#cursor, this.#after(this.#cursor)),
    "erase-word-left": () => this.#kill(this.#wordStart(), this.#cursor),
    "erase-word-right": () => this.#kill(this.#cursor, this.#wordEnd()),
    "erase-to-start": () => this.#kill(this.#lineStart(), this.#cursor),
    "erase-to-end": () => this.#kill(this.#cursor, this.#lineEnd()),
    yank: () => this.#insert(this.#killed),
    undo: () => this.#takeBack(),
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
    this.#show(this.#options.history === false ? "" : this.#recall.submitted(text));
    return { kind: "submit", text };
  }

  #interrupt(): EditorAction | undefined {
    if (this.draft === "" && this.#text === "") return { kind: "interrupt" };
    if (this.#options.history !== false) this.#recall.discarded(this.#text);
    this.#show("");
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

  /** Moves by a row of the draft, in its column. @returns false at the edge */
  #moveToRow(step: -1 | 1): boolean {
    const draft = { text: this.#text, cursor: this.#cursor };
    const next = cursorInNextRow(draft, { step, column: this.#column, ...this.#options.shape?.() ?? unwrapped });
    if (next === undefined) return false;
    this.#column = next.column;
    this.#cursor = next.cursor;
    return true;
  }

  /** Recalls the line before, or the one after. */
  #recallNext(step: -1 | 1): undefined {
    if (this.#options.history === false) return;
    const offered = this.#text === "" ? this.#options.offer?.() : undefined;
    const shown = this.#recall.move(step, this.#text, offered);
    if (shown !== undefined) this.#show(shown);
  }

  #takeBack(): undefined {
    const state = this.#undo.back();
    if (state === undefined) return;
    this.#text = state.text;
    this.#cursor = state.cursor;
    this.#recall.browsing = state.browsing;
  }

  #show(text: string): void {
    this.#text = text;
    this.#cursor = text.length;
    this.#column = undefined;
  }

  #complete(): undefined {
    const before = this.#text.slice(0, this.#cursor);
    const candidates = this.#options.complete?.(before) ?? [];
    if (candidates.length === 0) return;
    const common = candidates.reduce(commonStart);
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

/** The characters that two texts begin with. */
function commonStart(one: string, other: string): string {
  let length = 0;
  for (const { segment } of graphemes.segment(one)) {
    if (!other.startsWith(segment, length)) break;
    length += segment.length;
  }
  return one.slice(0, length);
}

function isVertical(key: EditorKey): boolean {
  return key.kind === "command" && (key.command === "up" || key.command === "down");
}

function changeKind(key: EditorKey): ChangeKind {
  if (key.kind === "text") return "typing";
  if (key.kind === "paste") return "other";
  if (key.command === "undo") return "undo";
  return key.command === "erase-left" || key.command === "erase-right" ? "erasing" : "other";
}
