import { waitAwake } from "../../client/awake_wait.ts";
import type { ChatClient, ClientEvent } from "../../client/chat_client.ts";
import { systemTimers } from "../../client/timers.ts";
import { waitingNote } from "../../client/waiting_note.ts";
import { ChatError, type ChatErrorCode } from "../../core/chat_error.ts";
import { printNotice } from "./output.ts";

export interface WaitLimits {
  /** How long one wait for the server may take, in milliseconds awake; 0 gives up at the first failure. */
  readonly patienceMs: number;
  /** How long everything may take, in milliseconds awake; no limit unless given. */
  readonly timeoutMs?: number;
}

/** How long the server may stay silent before a notice on stderr, in milliseconds. */
const silenceMs = 3_000;

/** Pauses that a server asks for in normal operation: worth a notice only if they take long. */
const shortPauses: ReadonlySet<ChatErrorCode> = new Set(["rate_limited", "busy"]);

/** The waits of a command for its server: reports each reason on stderr once, and ends the command in time. */
export class Waiting implements Disposable {
  /** Rejects when the time is over, with the newest reason to wait. */
  readonly expired: Promise<never>;
  readonly #address: string;
  readonly #limits: WaitLimits;
  readonly #end: (reason: ChatError) => void;
  readonly #said = new Set<string>();
  #reason: ChatError | undefined;
  #cancelWait: (() => void) | undefined;
  #cancelNotice: (() => void) | undefined;
  readonly #cancelTimeout: (() => void) | undefined;

  constructor(address: string, limits: WaitLimits) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.expired = promise;
    this.#end = reject;
    this.#address = address;
    this.#limits = limits;
    const { timeoutMs } = limits;
    if (timeoutMs !== undefined) {
      this.#cancelTimeout = waitAwake(systemTimers, timeoutMs, () => this.#expire(timeoutMs));
    }
    this.begin();
  }

  /** Limits a step that the client does not report about. */
  async bound<T>(step: Promise<T>): Promise<T> {
    return await Promise.race([step, this.expired]);
  }

  onEvent(event: ClientEvent, client: ChatClient): void {
    if (event.kind === "postponed") return this.begin(event.reason);
    if (event.kind === "accepted") return this.rest();
    if (event.kind !== "state") return;
    if (event.state.kind === "offline") return this.begin(event.state.reason);
    if (event.state.kind === "ended" || (event.state.kind === "online" && client.unsent === 0)) this.rest();
  }

  /** Begins or continues a wait. */
  begin(reason?: ChatError): void {
    this.#reason = reason ?? this.#reason;
    const { patienceMs } = this.#limits;
    if (patienceMs === 0 && reason !== undefined) return this.#end(reason);
    if (patienceMs > 0) this.#cancelWait ??= waitAwake(systemTimers, patienceMs, () => this.#expire(patienceMs));
    if (reason !== undefined && !shortPauses.has(reason.code)) return this.#say();
    this.#cancelNotice ??= waitAwake(systemTimers, silenceMs, () => this.#say());
  }

  /** Ends a wait: the server answers. */
  rest(): void {
    this.#cancelWait?.();
    this.#cancelNotice?.();
    this.#cancelWait = this.#cancelNotice = undefined;
    this.#reason = undefined;
  }

  giveUp(reason: ChatError): void {
    this.#end(reason);
  }

  [Symbol.dispose](): void {
    this.rest();
    this.#cancelTimeout?.();
  }

  #say(): void {
    const note = waitingNote(this.#address, this.#reason);
    if (!this.#said.has(note)) printNotice(note);
    this.#said.add(note);
  }

  #expire(ms: number): void {
    this.#end(
      this.#reason ?? new ChatError("unavailable", `${this.#address} did not answer within ${ms / 1000} s.`),
    );
  }
}
