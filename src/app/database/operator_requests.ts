import { ChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import { pause } from "../../core/pause.ts";
import { answerRequest, type ControlHandlers, errorReply, maxReplyBytes } from "../../host/control_socket.ts";
import type { TakenRequest } from "../../store/postgres/nodes/request_queue.ts";
import type { ServingStore } from "../../store/postgres/serving_store.ts";
import type { CallReceiver } from "./sealed_call.ts";

const pollMs = 1_000;
const removalMs = 60_000;
/** As many as at the control socket. */
const maxRunning = 32;

export interface OperatorRequestsOptions {
  readonly store: Pick<ServingStore, "requests" | "onRequest">;
  readonly receiver: CallReceiver;
  readonly handlers: ControlHandlers;
  readonly log: Log;
}

/**
 * Answers the requests that operators on other machines write to the database. A notice wakes it; it looks each second
 * anyway, because the connection for notices may be dead without a sign.
 */
export class OperatorRequests {
  readonly #options: OperatorRequestsOptions;
  readonly #notices: AsyncDisposable;
  readonly #running = new Set<Promise<void>>();
  readonly #looking: Promise<void>;
  #isClosed = false;
  #isFailing = false;
  #removedAt = -Infinity;
  /** Aborted to look at once. */
  #wake = new AbortController();

  constructor(options: OperatorRequestsOptions) {
    this.#options = options;
    this.#notices = options.store.onRequest(() => this.#wake.abort());
    this.#looking = this.#look();
  }

  /** Takes no more requests, and waits for the others. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake.abort();
    await this.#notices[Symbol.asyncDispose]();
    await this.#looking;
    await Promise.all(this.#running);
  }

  async #look(): Promise<void> {
    while (!this.#isClosed) {
      this.#wake = new AbortController();
      try {
        await this.#takeAll();
        this.#isFailing = false;
      } catch (cause) {
        if (!this.#isFailing) this.#options.log.warn("no command of the operator can be read right now", { cause });
        this.#isFailing = true;
      }
      if (!this.#isClosed) await pause(pollMs, this.#wake.signal);
    }
  }

  async #takeAll(): Promise<void> {
    const { requests } = this.#options.store;
    const free = maxRunning - this.#running.size;
    for (const request of free > 0 ? await requests.take(free) : []) {
      const running = this.#run(request).finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
    if (performance.now() - this.#removedAt < removalMs) return;
    await requests.removeOld();
    this.#removedAt = performance.now();
  }

  async #run({ id, request, now }: TakenRequest): Promise<void> {
    const { receiver, store, handlers, log } = this.#options;
    try {
      const { call, sealAnswer } = await receiver.open(request, { id, now });
      const answer = await sealAnswer(await answerRequest(call, { handlers, log }));
      await store.requests.answer(id, answer.length <= maxReplyBytes ? answer : await sealAnswer(tooLong));
    } catch (cause) {
      log.warn("a command of the operator got no answer", { cause });
    }
  }
}

const tooLong = errorReply(
  new ChatError(
    "limit_reached",
    `The command was run, but its result is too long: an answer has at most ${maxReplyBytes} bytes.`,
  ),
);
