import type { Change, ChangeResult, ExclusiveMessageStore } from "../../../src/core/messages/message_store.ts";
import type { PlainBatch } from "../../../src/core/messages/plain_batch.ts";

/** The log of a store that was just opened. */
export interface OpenedLog extends ExclusiveMessageStore {
  beginIncarnation(): void | Promise<void>;
}

type Call<Name extends keyof ExclusiveMessageStore> = ExclusiveMessageStore[Name] extends
  (...call: infer Values) => unknown ? Values : never;
type Answer<Name extends keyof ExclusiveMessageStore> = ExclusiveMessageStore[Name] extends
  (...call: never[]) => infer Result ? Result : never;

/** The log of any store, whose calls a test can make fail, and change in a class of its own. */
export class TestMessageStore implements OpenedLog {
  readonly #log: OpenedLog;
  /** When set, commits fail with it and change nothing, as on a full disk. */
  commitError: unknown;
  #commits = 0;

  constructor(log: OpenedLog) {
    this.#log = log;
  }

  get epoch(): string {
    return this.#log.epoch;
  }

  get incarnation(): string {
    return this.#log.incarnation;
  }

  get head(): number {
    return this.#log.head;
  }

  /** Whether a commit is in progress. */
  get isCommitting(): boolean {
    return this.#commits > 0;
  }

  beginIncarnation(): void | Promise<void> {
    return this.#log.beginIncarnation();
  }

  async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    if (this.commitError !== undefined) throw this.commitError;
    return await this.#counted(this.#log.commit(changes));
  }

  async commitPlain(batch: PlainBatch): Promise<boolean> {
    if (this.commitError !== undefined) throw this.commitError;
    return await this.#counted(this.#log.commitPlain(batch));
  }

  sharedThrough(...call: Call<"sharedThrough">): Answer<"sharedThrough"> {
    return this.#log.sharedThrough(...call);
  }

  messagesAfter(...call: Call<"messagesAfter">): Answer<"messagesAfter"> {
    return this.#log.messagesAfter(...call);
  }

  history(...call: Call<"history">): Answer<"history"> {
    return this.#log.history(...call);
  }

  pinsIn(...call: Call<"pinsIn">): Answer<"pinsIn"> {
    return this.#log.pinsIn(...call);
  }

  entry(...call: Call<"entry">): Answer<"entry"> {
    return this.#log.entry(...call);
  }

  messagesAt(...call: Call<"messagesAt">): Answer<"messagesAt"> {
    return this.#log.messagesAt(...call);
  }

  sentBy(...call: Call<"sentBy">): Answer<"sentBy"> {
    return this.#log.sentBy(...call);
  }

  conversationsOf(...call: Call<"conversationsOf">): Answer<"conversationsOf"> {
    return this.#log.conversationsOf(...call);
  }

  conversationOf(...call: Call<"conversationOf">): Answer<"conversationOf"> {
    return this.#log.conversationOf(...call);
  }

  peersAmong(...call: Call<"peersAmong">): Answer<"peersAmong"> {
    return this.#log.peersAmong(...call);
  }

  openConsumer(...call: Call<"openConsumer">): Answer<"openConsumer"> {
    return this.#log.openConsumer(...call);
  }

  async #counted<T>(commit: Promise<T>): Promise<T> {
    this.#commits++;
    try {
      return await commit;
    } finally {
      this.#commits--;
    }
  }
}
