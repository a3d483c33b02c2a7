import { KeyDecoder } from "../input/key_decoder.ts";
import { type EditorKey, LineEditor } from "../input/line_editor.ts";
import { SecretQuestions } from "../input/secret_questions.ts";
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

/** A terminal that can move its cursor: a transcript, and an input line at its bottom. */
export class EditingConsole implements LineConsole {
  readonly #options: EditingConsoleOptions;
  readonly #screen: ConsoleScreen;
  readonly #editor: LineEditor;
  #prompt = "";
  readonly #secrets = new SecretQuestions(() => this.#show());
  #lastInterrupt = -Infinity;
  #closed: Promise<void> | undefined;

  constructor(options: EditingConsoleOptions) {
    this.#options = options;
    this.#editor = new LineEditor({ complete: options.complete });
    this.#screen = new ConsoleScreen(options.device, options.style);
  }

  async read(signal: AbortSignal): Promise<void> {
    this.#options.device.setRaw(true);
    try {
      await this.#readKeys(signal);
    } finally {
      this.#secrets.close();
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
    return this.#secrets.ask(question);
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
        if (key.kind === "focus") {
          this.#options.onFocus(key.isFocused);
          continue;
        }
        this.#options.onInput();
        if (key.kind === "screen") continue;
        if (this.#secrets.text !== undefined) this.#secrets.apply(key);
        else if (await this.#applyToDraft(key)) return;
      }
    }
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
    const question = this.#secrets.text;
    if (question !== undefined) return this.#screen.update({ prompt: question, text: "", cursor: 0 });
    this.#screen.update({ prompt: this.#prompt, text: this.#editor.text, cursor: this.#editor.cursor });
  }
}
