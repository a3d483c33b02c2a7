import { isRoomEvent } from "../../core/messages/log_event.ts";
import type { Message, Reaction } from "../../core/messages/message.ts";

/** Something chatd said, between the messages. */
export interface Note {
  /** Safe for a terminal. */
  readonly lines: readonly string[];
}

/** One thing in a pane of messages; the order is that of `seq`, then `sub`, which is 0 for messages. */
export interface WindowItem {
  readonly seq: number;
  readonly sub: number;
  readonly message?: Message;
  readonly note?: Note;
}

/** A page of history. */
export interface Page {
  readonly messages: readonly Message[];
  /** The newest entry that there was when it was read. */
  readonly headSeq: number;
  /** Whether there is more before it. */
  readonly more: boolean;
  /** Whether there is more after it. */
  readonly moreAfter: boolean;
}

const maxNotes = 1_000;

/** A part of one conversation's log, and notes in it. What is far from where one looks is dropped, and can be had again. */
export class MessageWindow {
  readonly #limit: number;
  readonly #me: string;
  #items: WindowItem[] = [];
  /** For each message, the newest entry that its state has in it. */
  readonly #states = new WeakMap<Message, number>();
  #lastSub = 0;
  #notes = 0;
  #hasOlder = false;
  #hasNewer = false;
  #head = 0;

  /** @param options.limit most messages that are kept. Default 1000. */
  constructor({ me, limit = 1_000 }: { me: string; limit?: number }) {
    this.#me = me;
    this.#limit = limit;
  }

  get items(): readonly WindowItem[] {
    return this.#items;
  }

  /** Whether the log has entries before these. */
  get hasOlder(): boolean {
    return this.#hasOlder;
  }

  /** Whether the log has entries after these; while it has, what arrives is left to a page. */
  get hasNewer(): boolean {
    return this.#hasNewer;
  }

  /** The newest entry of the log that was heard of. */
  get head(): number {
    return this.#head;
  }

  get firstSeq(): number {
    return this.#items.find(({ message }) => message !== undefined)?.seq ?? 0;
  }

  get lastSeq(): number {
    return this.#items.findLast(({ message }) => message !== undefined)?.seq ?? 0;
  }

  /** The newest page, as at the begin; also when it leaves a gap to what is there, which then goes. */
  addNewest(page: Page): void {
    const first = page.messages.at(0)?.seq ?? 0;
    const joins = this.lastSeq >= first - 1 || !page.more;
    if (!joins) this.#items = this.#items.filter(({ note }) => note !== undefined);
    if (!joins || this.firstSeq === 0 || first <= this.firstSeq) this.#hasOlder = page.more;
    this.#hasNewer = false;
    this.#merge(page);
    this.#dropOldest();
  }

  /** A page that ends before the first message. */
  addOlder(page: Page): void {
    this.#hasOlder = page.more;
    this.#merge(page);
    const over = this.#messageCount() - this.#limit;
    if (over <= 0) return;
    this.#drop(this.#items.length - this.#indexOfMessage(this.#messageCount() - over), "newest");
    this.#hasNewer = true;
  }

  /** A page that begins after the last message. */
  addNewer(page: Page): void {
    this.#hasNewer = page.moreAfter;
    this.#merge(page);
    this.#dropOldest();
  }

  /** An entry that arrived; what it changes is changed. */
  arrived(message: Message): void {
    this.#head = Math.max(this.#head, message.seq);
    const { event } = message;
    if (event?.kind === "edited") {
      const { text, acceptedAt: editedAt, withheld } = message;
      this.#change(event.target, message.seq, ({ withheld: _before, ...target }) => ({
        ...target,
        text,
        editedAt,
        ...(withheld && { withheld }),
      }));
    } else if (event?.kind === "deleted") {
      this.#change(event.target, message.seq, ({ attachment: _gone, reactions: _too, withheld: _also, ...target }) => ({
        ...target,
        text: "",
        deleted: true,
      }));
    } else if (event?.kind === "reacted") {
      const own = message.sender === this.#me;
      this.#change(
        event.target,
        message.seq,
        (target) => ({ ...target, reactions: count(target.reactions, event, own) }),
      );
    }
    if (this.#hasNewer) return;
    this.#merge({ messages: [message], headSeq: message.seq, more: false, moreAfter: false });
    this.#dropOldest();
  }

  note(note: Note): void {
    this.#items.push({ seq: Math.max(this.lastSeq, this.#items.at(-1)?.seq ?? 0), sub: ++this.#lastSub, note });
    this.#notes++;
    if (this.#notes <= maxNotes) return;
    this.#items.splice(this.#items.findIndex((item) => item.note !== undefined), 1);
    this.#notes--;
  }

  #merge({ messages, headSeq }: Page): void {
    this.#head = Math.max(this.#head, headSeq);
    for (const message of messages) {
      this.#states.set(message, headSeq);
      if (isShown(message)) this.#insert(message);
    }
  }

  #insert(message: Message): void {
    const item = { seq: message.seq, sub: 0, message };
    let at = this.#items.length;
    // What comes is the newest nearly always.
    while (at > 0 && (this.#items[at - 1].seq > message.seq)) at--;
    while (at > 0 && this.#items[at - 1].seq === message.seq && this.#items[at - 1].sub > 0) at--;
    const before = this.#items[at - 1];
    if (before?.message === undefined || before.seq !== message.seq) this.#items.splice(at, 0, item);
    else if (this.#states.get(before.message)! <= this.#states.get(message)!) this.#items[at - 1] = item;
  }

  #change(target: number, seq: number, change: (message: Message) => Message): void {
    const index = this.#items.findIndex((item) => item.message?.seq === target);
    if (index < 0) return;
    const before = this.#items[index].message!;
    // A page that was read later has it already.
    if (this.#states.get(before)! >= seq) return;
    const message = change(before);
    this.#states.set(message, seq);
    this.#items[index] = { ...this.#items[index], message };
  }

  #messageCount(): number {
    return this.#items.length - this.#notes;
  }

  #indexOfMessage(number: number): number {
    let seen = 0;
    return this.#items.findIndex(({ message }) => message !== undefined && seen++ === number);
  }

  #dropOldest(): void {
    const over = this.#messageCount() - this.#limit;
    // Some at once, so that a full window is not moved for every message.
    if (over <= 0 || (over < this.#limit / 10 && !this.#hasNewer && this.#messageCount() < this.#limit * 1.1)) return;
    this.#drop(this.#indexOfMessage(over), "oldest");
    this.#hasOlder = true;
  }

  #drop(items: number, end: "oldest" | "newest"): void {
    const dropped = end === "oldest"
      ? this.#items.splice(0, items)
      : this.#items.splice(this.#items.length - items, items);
    this.#notes -= dropped.filter(({ note }) => note !== undefined).length;
  }
}

/** Changes of messages are seen in those. */
function isShown({ event }: Message): boolean {
  return event === undefined || isRoomEvent(event);
}

function count(
  before: readonly Reaction[] = [],
  { emoji, removed }: { emoji: string; removed: boolean },
  own: boolean,
): Reaction[] {
  const change = removed ? -1 : 1;
  const found = before.find((reaction) => reaction.emoji === emoji) ?? { emoji, count: 0, own: false };
  const changed = { emoji, count: found.count + change, own: own ? !removed : found.own };
  const others = before.filter((reaction) => reaction !== found);
  if (changed.count <= 0) return others;
  return before.includes(found) ? before.map((each) => each === found ? changed : each) : [...others, changed];
}
