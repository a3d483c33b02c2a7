import { KeyDecoder } from "../input/key_decoder.ts";
import { type EditorKey, LineEditor } from "../input/line_editor.ts";
import { ConsoleScreen } from "./console_screen.ts";
import type { Style } from "../text/style.ts";
import type { LineConsole, LineConsoleEvents } from "./line_console.ts";
import type { TerminalDevice } from "../input/terminal_device.ts";

export interface EditingConsoleOptions extends LineConsoleEvents {
  readonly device: TerminalDevice;
  readonly style: Style;
  /** Returns whole replacements of the text before the cursor. */
  complete(before: string): string[];
}

interface Secret {
  readonly question: string;
  readonly editor: LineEditor;
  answer(text: string | undefined): void;
}

/** A terminal that can move its cursor: a transcript, and an input line at its bottom. */
export class EditingConsole implements LineConsole {
  readonly #options: EditingConsoleOptions;
  readonly #screen: ConsoleScreen;
  readonly #editor: LineEditor;
  #prompt = "";
  #secret: Secret | undefined;
  #isReading = false;
  #lastInterrupt = -Infinity;
  #closed: Promise<void> | undefined;

  constructor(options: EditingConsoleOptions) {
    this.#options = options;
    this.#editor = new LineEditor({ complete: options.complete });
    this.#screen = new ConsoleScreen(options.device, options.style);
  }

  async read(signal: AbortSignal): Promise<void> {
    this.#options.device.setRaw(true);
    this.#isReading = true;
    try {
      await this.#readKeys(signal);
    } finally {
      this.#isReading = false;
      this.#secret?.answer(undefined);
    }
  }

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    await this.#screen.close();
    this.#options.device.setRaw(false);
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
    if (!this.#isReading) return Promise.resolve(undefined);
    this.#secret?.answer(undefined);
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

  emit(sequence: string): void {
    this.#screen.emit(sequence);
  }

  async #readKeys(signal: AbortSignal): Promise<void> {
    const decoder = new KeyDecoder();
    for (let bytes; (bytes = await this.#options.device.read(signal)) !== undefined;) {
      for (const key of decoder.decode(bytes)) {
        if (key.kind === "cursor") {
          this.#screen.cursorReported(key.column);
          continue;
        }
        this.#options.onInput();
        if (key.kind === "screen") continue;
        if (this.#secret) this.#applyToSecret(this.#secret, key);
        else if (await this.#applyToDraft(key)) return;
      }
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
    if (action === undefined && this.#editor.text !== before) this.#options.onEdit(this.#editor.text);
    if (action?.kind === "submit") this.#options.onSubmit(action.text);
    else if (action?.kind === "clear-screen") this.#screen.clear();
    else if (action?.kind === "interrupt") return await this.#interrupted();
    return action?.kind === "end-of-input";
  }

  /** Leaves at the second Ctrl-C within 5 s. @returns true when the person leaves. */
  async #interrupted(): Promise<boolean> {
    const now = performance.now();
    const again = now - this.#lastInterrupt < 5_000;
    this.#lastInterrupt = now;
    if (!again) await this.print([this.#options.style.dim("Press Ctrl-C again, or Ctrl-D, to leave.")]);
    return again;
  }

  #show(): void {
    if (this.#secret) return this.#screen.update({ prompt: this.#secret.question, text: "", cursor: 0 });
    this.#screen.update({ prompt: this.#prompt, text: this.#editor.text, cursor: this.#editor.cursor });
  }
}
