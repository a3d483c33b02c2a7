import type { ChatError } from "../core/chat_error.ts";
import type { Reply } from "../gen/chatd/v1/session.ts";

export type ReplyResult = NonNullable<Reply["result"]>;

export interface PendingRequest {
  settle(result: Reply["result"]): void;
  /** Called when the session ends before the reply. */
  fail(error: ChatError): void;
}

/** Requests of one session without a reply. */
export class PendingRequests {
  readonly #pending = new Map<number, PendingRequest>();
  #lastId = 0;

  /** Returns an id for a request that has no reply. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** Adds a request that has a reply. @returns its id */
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
