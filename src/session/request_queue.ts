import { ChatError } from "../core/chat_error.ts";
import type { Request } from "../gen/chatd/v1/session.ts";

/** Requests of a session that may wait; one more ends the session. */
export const maxRequests = 1_024;
const maxBytes = 1024 * 1024;

/** The requests of a session that have not begun. */
export class RequestQueue {
  #waiting: { request: Request; bytes: number }[] = [];
  #bytes = 0;
  #lastId = 0;

  /**
   * Adds a request, with its length in bytes.
   * @throws {ChatError} `invalid_argument` when its id does not rise; `slow_consumer` when the queue is full
   */
  add(request: Request, bytes: number): void {
    if (request.id <= this.#lastId) {
      throw new ChatError(
        "invalid_argument",
        this.#lastId === 0
          ? `Request id ${request.id} is not valid: number the requests of a session from 1.`
          : `Request id ${request.id} came after ${this.#lastId}: ids must rise within a session.`,
      );
    }
    this.#lastId = request.id;
    this.#bytes += bytes;
    this.#waiting.push({ request, bytes });
    if (this.#waiting.length > maxRequests || this.#bytes > maxBytes) {
      throw new ChatError(
        "slow_consumer",
        `${this.#waiting.length} requests are waiting: read the replies, acknowledge them (Ack), and send fewer at once.`,
      );
    }
  }

  /** Whether no request waits, and a request with this id may come next. */
  isOpenTo(id: number): boolean {
    return this.#waiting.length === 0 && id > this.#lastId;
  }

  /** Notes a request that did not need to wait. */
  pass(id: number): void {
    this.#lastId = id;
  }

  /** The next request; undefined when the queue is empty. */
  get first(): Request | undefined {
    return this.#waiting[0]?.request;
  }

  /** Removes and returns the next request. */
  next(): Request | undefined {
    const next = this.#waiting.shift();
    if (next === undefined) return undefined;
    this.#bytes -= next.bytes;
    return next.request;
  }

  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }
}
