import type { Message } from "../../core/messages/message.ts";
import type { ScrollPlace } from "../chat/conversations/log_target.ts";
import type { MessageDetails } from "../text/message_details.ts";
import { date } from "../text/local_clock.ts";
import { messageRows, noteRows } from "./message_text.ts";
import type { MessageWindow, WindowItem } from "./message_window.ts";
import type { Palette } from "./palette.ts";

export interface PaneSize {
  readonly columns: number;
  readonly rows: number;
}

/** The visible part of a pane. */
export interface PaneView {
  /** At most the rows of the pane; fewer go to its bottom. */
  readonly rows: readonly string[];
  /** Whether the newest known message is visible. */
  readonly atNewest: boolean;
  /** Whether the first message of the window is visible. */
  readonly atOldest: boolean;
}

interface LaidOut {
  readonly columns: number;
  /** The details that the rows depend on. */
  readonly details: string;
  readonly rows: readonly string[];
}

export interface MessagePaneOptions {
  readonly me: string;
  readonly palette: Palette;
  readonly window: MessageWindow;
  readonly details: MessageDetails;
}

/** A scrollable view into a window of messages; lays out only the visible part. */
export class MessagePane {
  readonly #me: string;
  readonly #palette: Palette;
  readonly #window: MessageWindow;
  readonly #details: MessageDetails;
  readonly #laidOut = new WeakMap<WindowItem, LaidOut>();
  /** Undefined while the pane follows the newest message. */
  #anchor: ScrollPlace | undefined;
  /** Unread messages begin after this entry. */
  unreadAfter: number | undefined;
  /** Whether rows begin without an indent, for copying. */
  isBare = false;
  /** The message that the person went to. */
  pointedOut: number | undefined;

  constructor({ me, palette, window, details }: MessagePaneOptions) {
    this.#me = me;
    this.#palette = palette;
    this.#window = window;
    this.#details = details;
  }

  /** Whether the pane follows arriving messages. */
  get follows(): boolean {
    return this.#anchor === undefined;
  }

  toNewest(): void {
    this.#anchor = undefined;
    this.pointedOut = undefined;
  }

  /** The part that is visible now, for {@link restore}; undefined while the pane follows the newest message. */
  get place(): ScrollPlace | undefined {
    return this.#anchor;
  }

  /** Scrolls back to an earlier {@link place}. */
  restore(place: ScrollPlace, size: PaneSize): void {
    this.#anchor = place;
    this.pointedOut = undefined;
    this.scroll(0, size);
  }

  /** Scrolls down to an item in the visible part, which may be partly below it. */
  reveal({ seq, sub }: WindowItem): void {
    this.#anchor = { seq, sub, hidden: 0 };
  }

  /** Whether the last of the window is at the bottom. */
  get isAtEnd(): boolean {
    const { index, hidden } = this.#bottom();
    return index >= this.#window.items.length - 1 && hidden === 0;
  }

  /** Counts the rows of the window above the bottom of the pane, up to about `most`. */
  rowsAbove(columns: number, most: number): number {
    const { index, hidden } = this.#bottom();
    let rows = -hidden;
    for (let i = index; i >= 0 && rows < most; i--) rows += this.#height(i, columns);
    return rows;
  }

  /** Scrolls up by rows, or down if negative. @returns whether the visible part changed. */
  scroll(by: number, size: PaneSize): boolean {
    const { items } = this.#window;
    if (items.length === 0) return false;
    const before = this.#anchor;
    let { index, hidden } = this.#bottom();
    hidden += by;
    while (index > 0 && hidden >= this.#height(index, size.columns)) hidden -= this.#height(index--, size.columns);
    while (hidden < 0 && index < items.length - 1) hidden += this.#height(++index, size.columns);
    const isPast = hidden < 0 || (hidden === 0 && index === items.length - 1);
    this.#anchor = isPast && !this.#window.hasNewer ? undefined : this.#at(index, Math.max(0, hidden));
    this.#fill(size);
    const after = this.#anchor;
    return before?.seq !== after?.seq || before?.sub !== after?.sub || before?.hidden !== after?.hidden;
  }

  /** Scrolls to a message, or the next one that is loaded, and points it out. */
  goTo(seq: number, { columns, rows }: PaneSize): void {
    const { items } = this.#window;
    const target = items.findIndex((item) => item.message !== undefined && item.seq >= seq);
    if (target < 0) return this.toNewest();
    this.pointedOut = items[target].seq;
    // A third of the pane is above it.
    let below = Math.ceil(rows * 2 / 3) - this.#height(target, columns);
    let index = target;
    while (below > 0 && index < items.length - 1) below -= this.#height(++index, columns);
    const isEnd = below >= 0 && index === items.length - 1 && !this.#window.hasNewer;
    this.#anchor = isEnd ? undefined : this.#at(index, Math.max(0, -below));
    this.#fill({ columns, rows });
  }

  /** The visible messages, from the lowest one up. */
  *visible(size: PaneSize): Iterable<Message> {
    const { index, hidden } = this.#bottom();
    let rows = -hidden;
    for (let i = index; i >= 0 && rows < size.rows; i--) {
      const { message } = this.#window.items[i];
      if (message !== undefined) yield message;
      rows += this.#height(i, size.columns);
    }
  }

  view(size: PaneSize): PaneView {
    const { items } = this.#window;
    this.#fill(size);
    const { index, hidden } = this.#bottom();
    const rows: string[] = [];
    let i = index;
    for (; i >= 0 && rows.length < size.rows; i--) {
      const all = this.#rows(i, size.columns);
      rows.unshift(...(i === index && hidden > 0 ? all.slice(0, Math.max(0, all.length - hidden)) : all));
    }
    const cut = Math.max(0, rows.length - size.rows);
    return {
      rows: rows.slice(cut),
      atNewest: index === items.length - 1 && hidden === 0 && !this.#window.hasNewer,
      atOldest: i < 0 && cut === 0,
    };
  }

  /** Puts the start of the window at the top, where there would be empty rows below. */
  #fill({ columns, rows }: PaneSize): void {
    if (this.#anchor === undefined) return;
    if (this.rowsAbove(columns, rows) >= rows) return;
    let height = 0;
    for (let i = 0; i < this.#window.items.length; i++) {
      height += this.#height(i, columns);
      if (height < rows) continue;
      const isEnd = i === this.#window.items.length - 1 && height === rows && !this.#window.hasNewer;
      this.#anchor = isEnd ? undefined : this.#at(i, height - rows);
      return;
    }
    this.#anchor = undefined;
  }

  #bottom(): { index: number; hidden: number } {
    const { items } = this.#window;
    const anchor = this.#anchor;
    if (anchor === undefined) return { index: items.length - 1, hidden: 0 };
    const index = items.findLastIndex(({ seq, sub }) => seq < anchor.seq || (seq === anchor.seq && sub <= anchor.sub));
    // Above all items, or in a window without any.
    if (index < 0) return { index: Math.min(0, items.length - 1), hidden: 0 };
    const isSame = items[index].seq === anchor.seq && items[index].sub === anchor.sub;
    return { index, hidden: isSame ? anchor.hidden : 0 };
  }

  #at(index: number, hidden: number): ScrollPlace {
    const { seq, sub } = this.#window.items[index];
    return { seq, sub, hidden };
  }

  #height(index: number, columns: number): number {
    return this.#rows(index, columns).length;
  }

  #rows(index: number, columns: number): readonly string[] {
    const item = this.#window.items[index];
    const before = this.#divider(index, columns);
    const laidOut = this.#laidOut.get(item);
    const { message } = item;
    const { isBare } = this;
    const { markdown } = this.#details;
    const receipt = message === undefined ? "" : this.#details.receiptOf(message);
    const answers = message === undefined ? "" : this.#details.answeredBy(message);
    const quote = message === undefined ? "" : this.#details.pinnedBy(message);
    const isPointedOut = message !== undefined && message.seq === this.pointedOut;
    const details = `${receipt}\n${answers}\n${quote}\n${markdown}\n${isPointedOut}\n${isBare}`;
    if (laidOut?.columns === columns && laidOut.details === details) {
      return before.length === 0 ? laidOut.rows : [...before, ...laidOut.rows];
    }
    const rows = message === undefined ? noteRows(item.note!.lines, columns) : messageRows(message, {
      me: this.#me,
      palette: this.#palette,
      columns,
      markdown,
      receipt,
      answers,
      quote,
      isPointedOut,
      isBare,
    });
    this.#laidOut.set(item, { columns, details, rows });
    return [...before, ...rows];
  }

  #divider(index: number, columns: number): string[] {
    const { message } = this.#window.items[index];
    if (message === undefined) return [];
    const previous = this.#messageBefore(index);
    const day = date(message.acceptedAt);
    const isNewDay = previous === undefined || date(previous.acceptedAt) !== day;
    const isFirstUnread = this.unreadAfter !== undefined && message.seq > this.unreadAfter &&
      (previous === undefined || previous.seq <= this.unreadAfter);
    return [
      ...(isNewDay ? [this.#palette.dim(line(day, columns))] : []),
      ...(isFirstUnread ? [this.#palette.warn(line("unread", columns))] : []),
    ];
  }

  #messageBefore(index: number): Message | undefined {
    for (let i = index - 1; i >= 0; i--) if (this.#window.items[i].message) return this.#window.items[i].message;
  }
}

function line(text: string, columns: number): string {
  return `─── ${text} `.padEnd(columns, "─").slice(0, columns);
}
