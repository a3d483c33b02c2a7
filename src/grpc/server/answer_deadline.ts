import type { IncomingCall } from "./incoming_call.ts";

/** Time for a client to take its waiting answers, in milliseconds: 0.9 KiB/s for the 256 KiB of a session. */
export const standardAnswerDeadlineMs = 5 * 60_000;

/**
 * Cancels calls whose client sends nothing more and does not take its answers in time. {@link Keepalive} does not find
 * these, because such a client may answer each PING. A live session has no deadline, as its client may continue.
 */
export class AnswerDeadline implements Disposable {
  readonly #calls: Iterable<IncomingCall>;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Octets that each call must have sent by the next check. */
  #due = new Map<IncomingCall, number>();

  /** Starts checking. @param calls the calls that are open at each time */
  constructor(calls: Iterable<IncomingCall>, deadlineMs: number) {
    this.#calls = calls;
    this.#timer = setInterval(() => this.#check(), deadlineMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const due = new Map<IncomingCall, number>();
    for (const call of [...this.#calls]) {
      if (!call.hasAllRequests || call.queuedBytes === 0) continue;
      if (call.sentBytes < (this.#due.get(call) ?? 0)) call.abort();
      else due.set(call, call.sentBytes + call.queuedBytes);
    }
    this.#due = due;
  }
}
