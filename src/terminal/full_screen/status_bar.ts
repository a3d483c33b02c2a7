import type { ChatClient } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { clock } from "../text/local_clock.ts";

/** How often to ping the server, in milliseconds. */
const pingMs = 30_000;
const tickMs = 1_000;

export interface StatusBarOptions {
  readonly client: ChatClient;
  readonly me: string;
  /** Called every second, since the text may have changed. */
  changed(): void;
}

/** The text of the bar above the input: the connection, its latency, typing or away users, the time. */
export class StatusBar {
  readonly #options: StatusBarOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #lagMs: number | undefined;
  /** The latency in the bar. It changes with the time, once a minute: an idle screen writes nothing. */
  #shownLagMs: number | undefined;
  #time = "";
  #nextPing = 0;

  constructor(options: StatusBarOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  text({ isAway, typing, below, loading }: { isAway: boolean; typing: string; below: string; loading: boolean }): {
    left: string;
    right: string;
  } {
    const time = clock(Date.now());
    if (time !== this.#time || this.#lagMs === undefined) this.#shownLagMs = this.#lagMs;
    this.#shownLagMs ??= this.#lagMs;
    this.#time = time;
    const parts = [
      ` ${this.#options.me}${isAway ? " (away)" : ""}`,
      this.#connection(),
      loading ? "loading …" : "",
      typing,
      below,
    ];
    return { left: parts.filter(Boolean).join(" | "), right: `${time} ` };
  }

  #connection(): string {
    const { state } = this.#options.client;
    if (state.kind === "connecting") return "connecting";
    if (state.kind === "online") {
      return this.#shownLagMs === undefined ? "online" : `online, ${Math.round(this.#shownLagMs)} ms`;
    }
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
      // The state of the connection tells it.
      if (!(error instanceof ChatError)) throw error;
    }
  }
}
