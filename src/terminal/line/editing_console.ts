import { sanitizeLine } from "../../core/sanitize.ts";
import { ChatInput, type ChatInputOptions } from "../chat/chat_input.ts";
import { readKeys } from "../input/key_reader.ts";
import type { TerminalDevice } from "../input/terminal_device.ts";
import type { Style } from "../text/style.ts";
import { ConsoleScreen } from "./console_screen.ts";
import type { LineConsole } from "./line_console.ts";

export interface EditingConsoleOptions extends Pick<ChatInputOptions, "composers" | "person" | "onScreenKey"> {
  readonly device: TerminalDevice;
  readonly style: Style;
  /** The person pressed a key. */
  onInput(): void;
  /** The terminal got or lost the focus. */
  onFocus(isFocused: boolean): void;
}

/** A terminal that can move its cursor: a transcript, and an input line at its bottom. */
export class EditingConsole implements LineConsole {
  readonly #options: EditingConsoleOptions;
  readonly #screen: ConsoleScreen;
  readonly #input: ChatInput;
  readonly #leave = new AbortController();
  #prompt = "";
  #pending: readonly string[] = [];
  #closed: Promise<void> | undefined;

  constructor(options: EditingConsoleOptions) {
    this.#options = options;
    this.#screen = new ConsoleScreen(options.device, options.style);
    this.#input = new ChatInput({
      ...options,
      shape: () => ({ prompt: this.#input.view.prompt ?? this.#prompt, columns: options.device.size().columns }),
      onRedraw: () => this.#screen.clear(),
      onQuestion: () => this.draftChanged(),
      onLeave: () => this.#leave.abort(),
    });
  }

  async read(signal: AbortSignal): Promise<void> {
    this.#options.device.setRaw(true);
    try {
      await this.#readKeys(AbortSignal.any([signal, this.#leave.signal]));
    } finally {
      this.#input.close();
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
    this.draftChanged();
  }

  setPending(pending: readonly string[]): void {
    this.#pending = pending;
    this.draftChanged();
  }

  draftChanged(): void {
    const { prompt, text, cursor, hint } = this.#input.view;
    const pending = hint === "" ? this.#pending : [...this.#pending, ` ${sanitizeLine(hint)}`];
    this.#screen.update({ prompt: prompt ?? this.#prompt, text, cursor, pending });
  }

  clear(): void {
    this.#screen.clear();
  }

  askSecret(question: string): Promise<string | undefined> {
    return this.#input.askSecret(question);
  }

  emit(sequence: string): void {
    this.#screen.emit(sequence);
  }

  async #readKeys(signal: AbortSignal): Promise<void> {
    for await (const keys of readKeys(this.#options.device, signal)) {
      for (const key of keys) {
        if (key.kind === "cursor") {
          this.#screen.cursorReported(key.column);
          continue;
        }
        if (key.kind === "focus") {
          this.#options.onFocus(key.isFocused);
          continue;
        }
        this.#options.onInput();
        this.#input.apply(key);
        if (signal.aborted) return;
      }
      this.draftChanged();
    }
  }
}
