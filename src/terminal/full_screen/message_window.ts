import type { Message } from "../../core/messages/message.ts";
import { changedMessage } from "../chat/changed_message.ts";
import { isShown } from "../chat/conversations/log_part.ts";

/** A note of chatd between the messages. */
export interface Note {
  /** Safe for a terminal. */
  readonly lines: readonly string[];
}

/** An item of a message pane. Items are ordered by `seq`, then by `sub`, which is 0 for messages. */
export interface WindowItem {
  readonly seq: number;
  readonly sub: number;
  readonly message?: Message;
  readonly note?: Note;
}

/** A page of history. */
export interface Page {
  readonly messages: readonly Message[];
  /** The newest entry when the page was read. */
  readonly headSeq: number;
  /** Whether the log has entries before the page. */
  readonly more: boolean;
  /** Whether the log has entries after the page. */
  readonly moreAfter: boolean;
}

const maxNotes = 1_000;

/**
 * A part of one conversation's log, with notes. Messages far from the visible part are dropped, and loaded again on
 * demand.
 */
export class MessageWindow {
  readonly #limit: number;
  readonly #me: string;
  #items: WindowItem[] = [];
  /** For each message, the newest entry that its state includes. */
  readonly #states = new WeakMap<Message, number>();
  #lastSub = 0;
  #notes = 0;
  #hasOlder = false;
  #hasNewer = false;
  #head = 0;
  /** Notes that belong below the newest message, while the window is another part of the log. */
  #laterNotes: WindowItem[] = [];
  /** The person cleared the screen of the messages up to this entry. */
  #clearedThrough = 0;

  /** @param options.limit messages to keep at most. Default 1000. */
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

  /** Whether the log has entries after these; while it has, arriving messages are left to a page. */
  get hasNewer(): boolean {
    return this.#hasNewer;
  }

  /** The newest known entry of the log. */
  get head(): number {
    return this.#head;
  }

  has(seq: number): boolean {
    return this.#items.some((item) => item.message !== undefined && item.seq === seq);
  }

  get firstSeq(): number {
    return this.#items.find(({ message }) => message !== undefined)?.seq ?? 0;
  }

  get lastSeq(): number {
    return this.#items.findLast(({ message }) => message !== undefined)?.seq ?? 0;
  }

  /** Adds the newest page; if that leaves a gap, drops the messages before the gap. */
  addNewest(newest: Page): void {
    const page = this.#withoutCleared(newest);
    const first = page.messages.at(0)?.seq ?? 0;
    const joins = this.lastSeq >= first - 1 || !page.more;
    if (!joins) this.#items = this.#items.filter(({ note }) => note !== undefined);
    if (!joins || this.firstSeq === 0 || first <= this.firstSeq) this.#hasOlder = page.more;
    this.#hasNewer &&= this.#arrivedAfter(page);
    this.#moveFirstNotes(page);
    this.#merge(page);
    this.#restoreNotes();
    this.#dropOldest();
  }

  /** Adds a page that ends before the first message. */
  addOlder(page: Page): void {
    this.#clearedThrough = 0;
    this.#hasOlder = page.more;
    this.#merge(page);
    const over = this.#messageCount() - this.#limit;
    if (over <= 0) return;
    this.#drop(this.#items.length - this.#indexOfMessage(this.#messageCount() - over), "newest");
    this.#hasNewer = true;
  }

  /** Adds a page that begins after the last message. */
  addNewer(page: Page): void {
    this.#hasNewer = page.moreAfter || this.#arrivedAfter(page);
    this.#merge(page);
    this.#restoreNotes();
    this.#dropOldest();
  }

  /** Drops all messages for a page of another part of the log, and the notes above that; those below come later. */
  replace(page: Page): void {
    const [first, last] = [page.messages.at(0)?.seq ?? 0, page.messages.findLast(isShown)?.seq ?? 0];
    const notes = this.#items.filter(({ note }) => note !== undefined);
    this.#laterNotes.push(...notes.filter(({ seq }) => seq >= last));
    this.#clearedThrough = 0;
    this.#items = notes.filter(({ seq }) => seq >= first && seq < last);
    this.#notes = this.#items.length;
    this.#hasOlder = page.more;
    this.#hasNewer = page.moreAfter || this.#arrivedAfter(page);
    this.#merge(page);
    this.#restoreNotes();
  }

  /** Drops the notes, and the messages up to an entry until the person scrolls up. */
  clear(through: number): void {
    this.#clearedThrough = through;
    this.#items = this.#hasNewer
      ? []
      : this.#items.filter(({ message, seq }) => message !== undefined && seq > through);
    this.#laterNotes = [];
    this.#notes = 0;
    this.#hasOlder = this.#head > 0;
  }

  /** Adds an entry that arrived, and applies it to the message that it changes. */
  arrived(message: Message): void {
    this.#head = Math.max(this.#head, message.seq);
    const { event } = message;
    if (event !== undefined && "target" in event) this.#change(event.target, message);
    if (this.#hasNewer) return;
    this.#merge({ messages: [message], headSeq: message.seq, more: false, moreAfter: false });
    this.#dropOldest();
  }

  /** Adds a note behind the entry `after` and its notes, by default at the end. @returns its item */
  note(note: Note, after: number = Math.max(this.lastSeq, this.#items.at(-1)?.seq ?? 0)): WindowItem {
    const item = { seq: after, sub: ++this.#lastSub, note };
    this.#items.splice(this.#items.findLastIndex(({ seq }) => seq <= after) + 1, 0, item);
    this.#notes++;
    if (this.#notes > maxNotes) {
      this.#items.splice(this.#items.findIndex((each) => each.note !== undefined), 1);
      this.#notes--;
    }
    return item;
  }

  #merge({ messages, headSeq }: Page): void {
    this.#head = Math.max(this.#head, headSeq);
    for (const message of messages) {
      this.#states.set(message, headSeq);
      if (isShown(message)) this.#insert(message);
    }
  }

  #withoutCleared(page: Page): Page {
    const messages = page.messages.filter(({ seq }) => seq > this.#clearedThrough);
    return { ...page, messages, more: page.more || messages.length < page.messages.length };
  }

  /** Shows the notes below the newest message again, once that is in the window. */
  #restoreNotes(): void {
    if (this.#hasNewer || this.#laterNotes.length === 0) return;
    this.#items.push(...this.#laterNotes);
    this.#items.sort((a, b) => a.seq - b.seq || a.sub - b.sub);
    this.#notes += this.#laterNotes.length;
    this.#laterNotes = [];
  }

  /** Moves the notes of a window without messages behind its first page: its messages are older than they. */
  #moveFirstNotes({ messages }: Page): void {
    if (this.firstSeq !== 0) return;
    const seq = messages.findLast(isShown)?.seq ?? 0;
    this.#items = this.#items.map((item) => item.seq === 0 ? { ...item, seq } : item);
    this.#items.sort((a, b) => a.seq - b.seq);
  }

  #insert(message: Message): void {
    const item = { seq: message.seq, sub: 0, message };
    let at = this.#items.length;
    // An arriving message is nearly always the newest.
    while (at > 0 && (this.#items[at - 1].seq > message.seq)) at--;
    while (at > 0 && this.#items[at - 1].seq === message.seq && this.#items[at - 1].sub > 0) at--;
    const before = this.#items[at - 1];
    if (before?.message === undefined || before.seq !== message.seq) this.#items.splice(at, 0, item);
    else if (this.#states.get(before.message)! <= this.#states.get(message)!) this.#items[at - 1] = item;
  }

  #change(target: number, entry: Message): void {
    const index = this.#items.findIndex((item) => item.message?.seq === target);
    if (index < 0) return;
    const before = this.#items[index].message!;
    // A page that was read later includes the change.
    if (this.#states.get(before)! >= entry.seq) return;
    const message = changedMessage(before, entry, this.#me);
    this.#states.set(message, entry.seq);
    this.#items[index] = { ...this.#items[index], message };
  }

  /** Whether an entry arrived since the page was read, which was left to a page. */
  #arrivedAfter({ headSeq }: Page): boolean {
    return this.#head > headSeq;
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
    // Several at once, since dropping one for every message would be slow.
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
