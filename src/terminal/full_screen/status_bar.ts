import type { ChatClient } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { clock } from "../text/transcript.ts";

/** How often the server is asked how long it takes, in milliseconds. */
const pingMs = 30_000;
const tickMs = 1_000;

export interface StatusBarOptions {
  readonly client: ChatClient;
  readonly me: string;
  /** Called every second: there may be another text. */
  changed(): void;
}

/** What the bar above the input says: the connection, how slow it is, who writes, the time. */
export class StatusBar {
  readonly #options: StatusBarOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #lagMs: number | undefined;
  #nextPing = 0;

  constructor(options: StatusBarOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  text({ writing, below, loading }: { writing: string; below: string; loading: boolean }): {
    left: string;
    right: string;
  } {
    const parts = [` ${this.#options.me}`, this.#connection(), loading ? "loading …" : "", writing, below];
    return { left: parts.filter(Boolean).join(" | "), right: `${clock(Date.now())} ` };
  }

  #connection(): string {
    const { state } = this.#options.client;
    if (state.kind === "connecting") return "connecting";
    if (state.kind === "online") return this.#lagMs === undefined ? "online" : `online, ${Math.round(this.#lagMs)} ms`;
    if (state.kind === "ended") return "ended";
    const seconds = Math.max(0, Math.ceil((state.retryAt - Date.now()) / 1000));
    return `offline, next try in ${seconds} s, Enter tries now: ${sanitizeLine(state.reason.message)}`;
  }

  #tick(): void {
    const { client, changed } = this.#options;
    const now = performance.now();
    if (client.state.kind !== "online") {
      this.#lagMs = undefined;
      this.#nextPing = 0;
    } else if (now >= this.#nextPing) {
      this.#nextPing = now + pingMs;
      this.#ping();
    }
    changed();
  }

  async #ping(): Promise<void> {
    try {
      this.#lagMs = await this.#options.client.ping();
    } catch (error) {
      // The connection says it by itself.
      if (!(error instanceof ChatError)) throw error;
    }
  }
}
