import type { Key, KeyCommand, ScreenKey } from "./key_decoder.ts";
import { type InputShape, unwrapped } from "./input_layout.ts";
import { type EditorKey, LineEditor } from "./line_editor.ts";

/** A key that the person pressed. */
export type ComposerKey = Exclude<Key, { kind: "cursor" | "focus" }>;

export interface ComposerOptions {
  /** Returns whole replacements of the text before the cursor. */
  complete(before: string): string[];
  /** Returns a line that "up" shows first in an empty draft; `last` is the newest line that can be recalled. */
  offer(last: string | undefined): string | undefined;
}

export type ComposerAction =
  | { readonly kind: "submit"; readonly text: string }
  /** The draft changed. */
  | { readonly kind: "edited" }
  /** A key for the screen around the input line. */
  | { readonly kind: "screen"; readonly key: ScreenKey }
  | { readonly kind: "clear-screen" }
  /** The person leaves the chat. */
  | { readonly kind: "leave" };

/** The content of the input area. */
export interface InputView {
  /** Replaces the usual prompt. */
  readonly prompt: string | undefined;
  readonly text: string;
  readonly cursor: number;
  /** A line above the draft; "" for none. */
  readonly hint: string;
}

interface HistorySearch {
  query: string;
  /** Matches to skip. */
  skip: number;
}

/** A longer paste asks first. */
const longPaste = { lines: 20, length: 4_000 };
const leavePatienceMs = 5_000;
const maxCandidates = 12;

/**
 * All that the person is writing to one conversation: the draft, the lines to recall, a paste that asks, a search in
 * the lines, and the hint above them.
 */
export class Composer {
  readonly #options: ComposerOptions;
  readonly #editor: LineEditor;
  /** Texts that came back and are not in the draft, until the person submits or discards them. */
  #returned: string[] = [];
  #paste: string | undefined;
  #search: HistorySearch | undefined;
  #hint = "";
  #shape: () => InputShape = () => unwrapped;
  #lastInterrupt = -Infinity;

  constructor(options: ComposerOptions, draft = "") {
    this.#options = options;
    this.#editor = new LineEditor({
      complete: (before) => this.#complete(before),
      offer: () => options.offer(this.#editor.history.at(-1)),
      shape: () => this.#shape(),
      continues: true,
    });
    this.#editor.setText(draft);
  }

  /** The text in the input line. */
  get text(): string {
    return this.#editor.text;
  }

  /** The text that was not submitted, whether it is in the input line or waits while a line is recalled. */
  get draft(): string {
    return this.#editor.draft;
  }

  /** All texts that the person would miss: the draft, and texts that were put back beside another draft. */
  get unsent(): string {
    return [...this.#returned, this.draft].filter(Boolean).join("\n");
  }

  /** Lines that can be recalled, the newest last. */
  get lines(): readonly string[] {
    return this.#editor.history;
  }

  /** Whether it holds nothing that the person would miss. */
  get isBlank(): boolean {
    return this.unsent === "" && this.#paste === undefined && this.#search === undefined;
  }

  get view(): InputView {
    const { text, cursor } = this.#editor;
    if (this.#paste !== undefined) {
      const lines = this.#paste.split("\n").length;
      const prompt = `Paste ${lines} lines, ${this.#paste.length} characters? [y/n] `;
      return { prompt, text: "", cursor: 0, hint: "" };
    }
    if (this.#search) {
      const match = this.#match(this.#search) ?? "";
      const hint = "Ctrl-R: older, Enter: use it, Ctrl-G: cancel";
      return { prompt: `search "${this.#search.query}": `, text: match, cursor: match.length, hint };
    }
    return { prompt: undefined, text, cursor, hint: this.#hint };
  }

  /** Puts a text back: into the draft if that is empty, else among the lines to recall. @returns its new place */
  giveBack(text: string): "draft" | "recall" {
    if (this.#editor.draft === text || this.#editor.restore(text)) return "draft";
    this.#editor.keep(text);
    this.putAside(text);
    return "recall";
  }

  /** Keeps a text that was not sent beside the draft, for the next run. */
  putAside(text: string): void {
    this.#returned.push(text);
  }

  /** Takes over all that the person wrote in another composer, which is earlier than its own. */
  absorb(earlier: Composer): void {
    const lines = [...earlier.lines, ...this.lines];
    for (const line of lines) this.#editor.keep(line);
    this.#returned = [...earlier.#returned, ...this.#returned];
    this.#paste ??= earlier.#paste;
    if (earlier.draft !== "") this.#editor.setText([earlier.draft, this.draft].filter(Boolean).join("\n"));
  }

  /** @param shape the shape of the input line on the terminal, when a key moves by its rows */
  apply(key: ComposerKey, shape: () => InputShape): ComposerAction | undefined {
    this.#shape = shape;
    const isOwn = key.kind !== "screen" || key.key === "search" || key.key === "cancel";
    if (!isOwn) return { kind: "screen", key: key.key };
    this.#hint = "";
    if (this.#paste !== undefined) return this.#answerPaste(this.#paste, key);
    if (this.#search) return this.#applyToSearch(this.#search, key);
    if (key.kind === "paste" && isLong(key.text)) this.#paste = key.text;
    else if (key.kind !== "screen") return this.#edit(key);
    else if (key.key === "search") this.#search = { query: "", skip: 0 };
  }

  #edit(key: EditorKey): ComposerAction | undefined {
    const { text: before, recalled } = this.#editor;
    const action = this.#editor.apply(key);
    // Submitted or discarded, as it was or edited.
    const isTaken = action?.kind === "submit" || isCommand(key, "interrupt");
    if (isTaken) this.#returned = this.#returned.filter((text) => text !== before && text !== recalled);
    if (action?.kind === "interrupt") return this.#interrupted();
    if (action?.kind === "end-of-input") return { kind: "leave" };
    if (action !== undefined) return action;
    return this.#editor.text === before ? undefined : { kind: "edited" };
  }

  #answerPaste(text: string, key: Key): ComposerAction | undefined {
    const isYes = key.kind === "text" && /^y/i.test(key.text);
    const isNo = key.kind === "text" || key.kind === "screen" || isCommand(key, "interrupt");
    if (!isYes && !isNo) return;
    this.#paste = undefined;
    if (isYes) return this.#edit({ kind: "paste", text });
    this.#hint = "Not pasted.";
  }

  #applyToSearch(search: HistorySearch, key: ComposerKey): ComposerAction | undefined {
    if (key.kind === "text") Object.assign(search, { query: search.query + key.text, skip: 0 });
    else if (key.kind === "screen" && key.key === "search") {
      if (this.#match({ ...search, skip: search.skip + 1 }) !== undefined) search.skip++;
    } else if (isCommand(key, "erase-left")) {
      Object.assign(search, { query: [...search.query].slice(0, -1).join(""), skip: 0 });
    } else {
      this.#search = undefined;
      if (isCommand(key, "interrupt") || key.kind === "screen") return;
      const match = this.#match(search);
      if (match !== undefined) this.#editor.recall(match);
      return isCommand(key, "submit") ? { kind: "edited" } : this.apply(key, this.#shape);
    }
  }

  #match({ query, skip }: HistorySearch): string | undefined {
    if (query === "") return undefined;
    const found = new Set(this.lines.toReversed().filter((text) => text.includes(query)));
    return [...found][skip];
  }

  /** Leaves at the second Ctrl-C within 5 s. */
  #interrupted(): ComposerAction | undefined {
    const now = performance.now();
    if (now - this.#lastInterrupt < leavePatienceMs) return { kind: "leave" };
    this.#lastInterrupt = now;
    this.#hint = "Press Ctrl-C again, or Ctrl-D, to leave.";
  }

  #complete(before: string): string[] {
    const candidates = this.#options.complete(before);
    if (candidates.length > 1) {
      const words = candidates.slice(0, maxCandidates).map((whole) => /\S+\s*$/.exec(whole)?.[0].trim() ?? "");
      this.#hint = words.join("  ") + (candidates.length > maxCandidates ? "  …" : "");
    }
    return candidates;
  }
}

function isLong(text: string): boolean {
  return text.length > longPaste.length || text.split("\n", longPaste.lines + 2).length > longPaste.lines;
}

function isCommand(key: Key, command: KeyCommand): boolean {
  return key.kind === "command" && key.command === command;
}
