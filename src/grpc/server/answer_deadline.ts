import type { IncomingCall } from "./incoming_call.ts";

/**
 * Milliseconds in which a client must take the answers that wait for it: with 256 KiB of a session, 0.9 KiB a second.
 */
export const standardAnswerDeadlineMs = 5 * 60_000;

/**
 * Breaks off calls in which the client sends nothing more, and does not take its answers in time. {@link Keepalive}
 * does not find these: such a client may answer each PING. A live session may wait for ever, as its client may go on.
 */
export class AnswerDeadline implements Disposable {
  readonly #calls: Iterable<IncomingCall>;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Octets that each call must have sent by the next look. */
  #due = new Map<IncomingCall, number>();

  /** @param calls the calls that are open at each time */
  constructor(calls: Iterable<IncomingCall>, deadlineMs: number) {
    this.#calls = calls;
    this.#timer = setInterval(() => this.#look(), deadlineMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const due = new Map<IncomingCall, number>();
    for (const call of [...this.#calls]) {
      if (!call.hasAllRequests || call.queuedBytes === 0) continue;
      if (call.sentBytes < (this.#due.get(call) ?? 0)) call.breakOff();
      else due.set(call, call.sentBytes + call.queuedBytes);
    }
    this.#due = due;
  }
}
