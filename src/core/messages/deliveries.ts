import type { LiveSessions } from "../people/live_sessions.ts";
import { RecentMap } from "../recent_map.ts";
import type { Message } from "./message.ts";

/** Most messages of one user whose delivery is awaited; senders of older ones are not notified. */
const maxSentToUser = 1_000;
const maxKnown = 50_000;
/** Deliveries within this time make one notice. */
const intervalMs = 200;

interface Sent {
  readonly position: number;
  readonly conversation: string;
  readonly seq: number;
}

export interface DeliveriesOptions {
  live: LiveSessions;
  /** Called when `user` has received everything in a direct conversation up to `seq`. */
  onDelivered(conversation: string, user: string, seq: number): void;
}

/** Derives deliveries of direct messages from acknowledged cursors, while the senders are online. */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  /** Messages sent to a user and not acknowledged. */
  readonly #sent = new Map<string, Sent[]>();
  /** The newest delivered seq by conversation and user ("ana:ben ben"). */
  readonly #notified = new RecentMap<string, number>(maxKnown);
  readonly #due = new Map<string, { conversation: string; user: string; seq: number }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  sent(user: string, { position, conversation, seq, sender }: Message): void {
    const { live } = this.#options;
    if (!live.isOnline(sender) || !live.isOnline(user)) return;
    const sent = this.#sent.get(user);
    if (sent === undefined) this.#sent.set(user, [{ position, conversation, seq }]);
    else if (sent.push({ position, conversation, seq }) > maxSentToUser) sent.shift();
  }

  acknowledged(user: string, position: number): void {
    const sent = this.#sent.get(user);
    if (sent === undefined) return;
    const left: Sent[] = [];
    /** The newest acknowledged message of the conversation that the last ones were of. */
    let newest: Sent | undefined;
    for (const each of sent) {
      if (each.position > position) left.push(each);
      else if (newest?.conversation !== each.conversation) {
        if (newest !== undefined) this.#deliver(user, newest);
        newest = each;
      } else if (each.seq > newest.seq) newest = each;
    }
    if (newest !== undefined) this.#deliver(user, newest);
    if (left.length === 0) this.#sent.delete(user);
    else this.#sent.set(user, left);
  }

  left(user: string): void {
    this.#sent.delete(user);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #deliver(user: string, { conversation, seq }: Sent): void {
    const key = keyOf(conversation, user);
    if (seq <= (this.#notified.peek(key) ?? 0)) return;
    this.#notified.set(key, seq);
    this.#due.set(key, { conversation, user, seq });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const due = [...this.#due.values()];
      this.#due.clear();
      for (const { conversation, user, seq } of due) this.#options.onDelivered(conversation, user, seq);
    }, intervalMs);
  }
}

function keyOf(conversation: string, user: string): string {
  return `${conversation} ${user}`;
}
