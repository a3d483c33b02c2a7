import type { Key, KeyCommand, ScreenKey } from "../input/key_decoder.ts";
import { type EditorKey, LineEditor } from "../input/line_editor.ts";
import { SecretQuestions } from "../input/secret_questions.ts";

export interface ScreenInputOptions {
  complete(before: string): string[];
  onEdit(draft: string): void;
  onSubmit(text: string): void;
  onScreenKey(key: ScreenKey): void;
  onRedraw(): void;
  /** A question opened or closed. */
  onQuestion(): void;
  /** The person leaves. */
  onLeave(): void;
}

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

/** Applies keys to the input area: to the draft, to an open question, or to a search in submitted lines. */
export class ScreenInput {
  readonly #options: ScreenInputOptions;
  readonly #editor: LineEditor;
  readonly #secrets: SecretQuestions;
  #paste: string | undefined;
  #search: HistorySearch | undefined;
  #hint = "";
  #lastInterrupt = -Infinity;

  constructor(options: ScreenInputOptions) {
    this.#options = options;
    this.#secrets = new SecretQuestions(options.onQuestion);
    this.#editor = new LineEditor({ complete: (before) => this.#complete(before), continues: true });
  }

  get draft(): string {
    return this.#editor.text;
  }

  setDraft(text: string): void {
    this.#editor.setText(text);
  }

  get view(): InputView {
    const { text, cursor } = this.#editor;
    const question = this.#secrets.text;
    if (question !== undefined) return { prompt: question, text: "", cursor: 0, hint: "" };
    if (this.#paste !== undefined) {
      const lines = this.#paste.split("\n").length;
      const what = `Paste ${lines} lines, ${this.#paste.length} characters? [y/n] `;
      return { prompt: what, text: "", cursor: 0, hint: "" };
    }
    if (this.#search) {
      const match = this.#match(this.#search) ?? "";
      const hint = "Ctrl-R: older, Enter: use it, Ctrl-G: cancel";
      return { prompt: `search "${this.#search.query}": `, text: match, cursor: match.length, hint };
    }
    return { prompt: undefined, text, cursor, hint: this.#hint };
  }

  /** Asks for one line without showing it; undefined when the person refuses. */
  askSecret(question: string): Promise<string | undefined> {
    return this.#secrets.ask(question);
  }

  /** Refuses open and later questions. */
  close(): void {
    this.#secrets.close();
  }

  apply(key: Key): void {
    if (key.kind === "cursor" || key.kind === "focus") return;
    this.#hint = "";
    if (this.#secrets.text !== undefined) {
      if (key.kind !== "screen") this.#secrets.apply(key);
    } else if (this.#paste !== undefined) this.#answerPaste(this.#paste, key);
    else if (this.#search) this.#applyToSearch(this.#search, key);
    else if (key.kind === "paste" && isLong(key.text)) this.#paste = key.text;
    else if (key.kind === "screen" && key.key === "search") this.#search = { query: "", skip: 0 };
    else if (key.kind === "screen") this.#options.onScreenKey(key.key);
    else this.#edit(key);
  }

  #edit(key: EditorKey): void {
    const before = this.#editor.text;
    const action = this.#editor.apply(key);
    if (action?.kind === "submit") this.#options.onSubmit(action.text);
    else if (action?.kind === "clear-screen") this.#options.onRedraw();
    else if (action?.kind === "interrupt") this.#interrupted();
    else if (action?.kind === "end-of-input") this.#options.onLeave();
    else if (this.#editor.text !== before) this.#options.onEdit(this.#editor.text);
  }

  #answerPaste(text: string, key: Key): void {
    const isYes = key.kind === "text" && /^y/i.test(key.text);
    const isNo = key.kind === "text" || key.kind === "screen" || isCommand(key, "interrupt");
    if (!isYes && !isNo) return;
    this.#paste = undefined;
    if (isYes) this.#edit({ kind: "paste", text });
    else this.#hint = "Not pasted.";
  }

  #applyToSearch(search: HistorySearch, key: Key): void {
    if (key.kind === "text") Object.assign(search, { query: search.query + key.text, skip: 0 });
    else if (key.kind === "screen" && key.key === "search") {
      if (this.#match({ ...search, skip: search.skip + 1 }) !== undefined) search.skip++;
    } else if (isCommand(key, "erase-left")) {
      Object.assign(search, { query: [...search.query].slice(0, -1).join(""), skip: 0 });
    } else {
      this.#search = undefined;
      const cancelled = isCommand(key, "interrupt") || (key.kind === "screen" && key.key === "cancel");
      const match = cancelled ? undefined : this.#match(search);
      if (match !== undefined) this.#editor.setText(match);
      if (!cancelled && !isCommand(key, "submit")) this.apply(key);
    }
  }

  #match({ query, skip }: HistorySearch): string | undefined {
    if (query === "") return undefined;
    const found = new Set(this.#editor.history.toReversed().filter((text) => text.includes(query)));
    return [...found][skip];
  }

  /** Leaves at the second Ctrl-C within 5 s. */
  #interrupted(): void {
    const now = performance.now();
    if (now - this.#lastInterrupt < leavePatienceMs) return this.#options.onLeave();
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
