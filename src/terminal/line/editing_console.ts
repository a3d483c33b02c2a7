import type { Face } from "./line_console.ts";
import { KeyDecoder } from "../input/key_decoder.ts";
import { type EditorKey, LineEditor } from "../input/line_editor.ts";
import { Screen } from "./console_screen.ts";
import type { Style } from "../text/style.ts";
import { SubmissionQueue } from "./submission_queue.ts";
import type { TerminalDevice } from "../input/terminal_device.ts";

export interface LineFaceOptions {
  device: TerminalDevice;
  style: Style;
  complete?(before: string): string[];
  /** The draft is another one now. */
  onEdit?(draft: string): void;
}

interface Secret {
  readonly question: string;
  readonly editor: LineEditor;
  answer(text: string | undefined): void;
}

/** The face for a terminal that can move its cursor: a transcript, and an input line at its bottom. */
export class LineFace implements Face {
  readonly submissions = new SubmissionQueue();
  readonly #device: TerminalDevice;
  readonly #style: Style;
  readonly #screen: Screen;
  readonly #editor: LineEditor;
  readonly #onEdit: (draft: string) => void;
  #prompt = "";
  #secret: Secret | undefined;
  #left = false;
  #lastInterrupt = -Infinity;
  readonly #reading: Promise<void>;
  #closed: Promise<void> | undefined;
  readonly #leave = new AbortController();

  constructor({ device, style, complete, onEdit = () => {} }: LineFaceOptions) {
    this.#device = device;
    this.#onEdit = onEdit;
    this.#style = style;
    this.#editor = new LineEditor({ complete });
    device.setRaw(true);
    this.#screen = new Screen(device, style);
    this.#reading = this.#readKeys();
  }

  print(lines: readonly string[]): Promise<void> {
    return this.#screen.print(lines);
  }

  setPrompt(prompt: string): void {
    this.#prompt = prompt;
    this.#show();
  }

  setPending(pending: readonly string[]): void {
    this.#screen.update({ pending });
  }

  restoreDraft(text: string): boolean {
    if (this.#editor.text !== "") return this.#editor.text === text;
    this.#editor.setText(text);
    this.#show();
    return true;
  }

  askSecret(question: string): Promise<string | undefined> {
    if (this.#left) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#secret = {
        question,
        editor: new LineEditor({ history: false, maxLength: 1024 }),
        answer: (text) => {
          this.#secret = undefined;
          this.#show();
          resolve(text);
        },
      };
      this.#show();
    });
  }

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#left = true;
    this.#leave.abort();
    this.#secret?.answer(undefined);
    await this.#reading;
    await this.#screen.close();
    this.#device.setRaw(false);
  }

  async #readKeys(): Promise<void> {
    const decoder = new KeyDecoder();
    try {
      while (!this.#left) {
        const bytes = await this.#device.read(this.#leave.signal);
        if (!bytes) return;
        for (const key of decoder.decode(bytes)) {
          if (key.kind === "screen") continue;
          if (key.kind === "cursor") this.#screen.cursorReported(key.column);
          else if (this.#secret) this.#applyToSecret(this.#secret, key);
          else if (await this.#applyToDraft(key)) return;
        }
      }
    } finally {
      this.#left = true;
      this.#secret?.answer(undefined);
      this.submissions.end();
    }
  }

  #applyToSecret({ editor, answer }: Secret, key: EditorKey): void {
    const action = editor.apply(key);
    if (action?.kind === "submit") answer(action.text || undefined);
    else if (action?.kind === "interrupt" || action?.kind === "end-of-input") answer(undefined);
  }

  /** @returns true when the person leaves. */
  async #applyToDraft(key: EditorKey): Promise<boolean> {
    const before = this.#editor.text;
    const action = this.#editor.apply(key);
    this.#show();
    if (action === undefined && this.#editor.text !== before) this.#onEdit(this.#editor.text);
    if (action?.kind === "submit") this.submissions.push(action.text);
    else if (action?.kind === "clear-screen") this.#screen.clear();
    else if (action?.kind === "interrupt") return await this.#interrupted();
    return action?.kind === "end-of-input";
  }

  /** A second Ctrl-C in a row leaves. */
  async #interrupted(): Promise<boolean> {
    const now = performance.now();
    const again = now - this.#lastInterrupt < 5_000;
    this.#lastInterrupt = now;
    if (!again) await this.print([this.#style.dim("Press Ctrl-C again, or Ctrl-D, to leave.")]);
    return again;
  }

  #show(): void {
    if (this.#secret) return this.#screen.update({ prompt: this.#secret.question, text: "", cursor: 0 });
    this.#screen.update({ prompt: this.#prompt, text: this.#editor.text, cursor: this.#editor.cursor });
  }
}
