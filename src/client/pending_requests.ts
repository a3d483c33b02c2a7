import type { ChatError } from "../core/chat_error.ts";
import type { Reply } from "../gen/chatd/v1/session.ts";

export type ReplyResult = NonNullable<Reply["result"]>;

export interface PendingRequest {
  settle(result: Reply["result"]): void;
  /** The session ended before the reply. */
  fail(error: ChatError): void;
}

/** The requests of one session that have no reply yet. */
export class PendingRequests {
  readonly #pending = new Map<number, PendingRequest>();
  #lastId = 0;

  /** An id for a request without a reply. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** An id for a request with a reply. */
  add(request: PendingRequest): number {
    const id = this.nextId();
    this.#pending.set(id, request);
    return id;
  }

  settle(reply: Reply): void {
    const request = this.#pending.get(reply.requestId);
    this.#pending.delete(reply.requestId);
    request?.settle(reply.result);
  }

  failAll(error: ChatError): void {
    const requests = [...this.#pending.values()];
    this.#pending.clear();
    for (const request of requests) request.fail(error);
  }
}
