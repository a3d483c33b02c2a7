import type { ChatClient } from "../../client/chat_client.ts";
import type { Key } from "../input/key_decoder.ts";
import { readKeys } from "../input/key_reader.ts";
import type { TerminalDevice } from "../input/terminal_device.ts";
import type { Frame } from "./frame.ts";
import { FrameScreen } from "./frame_screen.ts";

export interface ScreenSessionOptions {
  readonly device: TerminalDevice;
  readonly client: ChatClient;
  compose(size: { columns: number; rows: number }): Frame;
  onKey(key: Key): void;
  /** Deno does not permit to suspend the program. */
  onSuspendRefused(): void;
}

/** The time in which the terminal is the chat's: from taking it until it is given back. */
export class ScreenSession {
  readonly screen: FrameScreen;
  readonly #options: ScreenSessionOptions;
  readonly #leave = new AbortController();
  #isOver = false;

  constructor(options: ScreenSessionOptions) {
    this.#options = options;
    this.screen = new FrameScreen(options);
  }

  /** Whether the terminal was given back for good. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Takes the terminal, and reads keys until {@link leave}, the end of the input or `signal`. */
  async run(signal: AbortSignal): Promise<void> {
    await this.screen.take();
    await this.#readKeys(AbortSignal.any([signal, this.#leave.signal]));
  }

  leave(): void {
    this.#leave.abort();
  }

  /** Gives the terminal back as it was. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.screen.release();
  }

  /** Gives the terminal to the shell until it continues this program. */
  async suspend(): Promise<void> {
    const { device, client, onSuspendRefused } = this.#options;
    if (device.suspend === undefined) return;
    await this.screen.release();
    const isStopped = await device.suspend();
    if (this.#isOver) return;
    await this.screen.take();
    client.retryNow();
    if (!isStopped) onSuspendRefused();
  }

  async #readKeys(signal: AbortSignal): Promise<void> {
    for await (const keys of readKeys(this.#options.device, signal)) {
      for (const key of keys) {
        this.#options.onKey(key);
        if (signal.aborted) return;
      }
      this.screen.invalidate();
    }
  }
}
