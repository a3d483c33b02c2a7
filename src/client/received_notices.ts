import type { Message } from "../core/messages/message.ts";
import type { Notice } from "../core/people/notice.ts";
import type { Timers } from "./timers.ts";

/** Time after which a user who was typing counts as stopped, in milliseconds. */
const typingMs = 6_000;
const maxTyping = 1_000;

type Typing = Extract<Notice, { kind: "typing" }>;

export interface ReceivedNoticesOptions {
  timers: Timers;
  emit(notice: Notice): void;
  /** Notices of changed state were lost. */
  onMissed(): void;
}

/**
 * Passes on notices of the server, and adds those that follow from its silence: typing that stopped, missed changes.
 */
export class ReceivedNotices {
  readonly #options: ReceivedNoticesOptions;
  /** Typing users by conversation and name, each with the function that cancels its timer. */
  readonly #typing = new Map<string, { notice: Typing; cancel: () => void }>();
  #revision = 0;

  constructor(options: ReceivedNoticesOptions) {
    this.#options = options;
  }

  /** Notes that a session began, with the state of this revision; 0 when the server has no revisions. */
  sessionOpened(revision: number): void {
    this.#revision = revision;
  }

  receive(notice: Notice): void {
    if (notice.kind === "typing") return this.#receiveTyping(notice);
    if (notice.kind === "state_changed") {
      const isNext = notice.revision === this.#revision + 1;
      this.#revision = notice.revision;
      if (!isNext) this.#options.onMissed();
    }
    this.#options.emit(notice);
  }

  /** Ends the typing of a message's sender. */
  messageReceived({ conversation, sender: user, event }: Message): void {
    if (event === undefined && this.#typing.has(keyOf({ conversation, user }))) {
      this.#receiveTyping({ kind: "typing", conversation, user, stopped: true });
    }
  }

  /** Ends all typing with the session. */
  sessionClosed(): void {
    for (const { notice } of [...this.#typing.values()]) this.#receiveTyping({ ...notice, stopped: true });
  }

  #receiveTyping(notice: Typing): void {
    const key = keyOf(notice);
    const before = this.#typing.get(key);
    before?.cancel();
    this.#typing.delete(key);
    if (notice.stopped ? before === undefined : this.#typing.size >= maxTyping) return;
    if (!notice.stopped) {
      const cancel = this.#options.timers.after(typingMs, () => this.#receiveTyping({ ...notice, stopped: true }));
      this.#typing.set(key, { notice, cancel });
    }
    if (notice.stopped || before === undefined) this.#options.emit(notice);
  }
}

function keyOf({ conversation, user }: { conversation: string; user: string }): string {
  return `${conversation} ${user}`;
}
