import type { ChatClient } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { Message } from "../../core/messages/message.ts";
import type { HistoryResponse } from "../../gen/chatd/v1/chat.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import type { ConversationRef } from "../chat/conversations/conversation_ref.ts";
import type { MessageDetails } from "../text/message_details.ts";
import { MessagePane, type PanePlace, type PaneSize } from "./message_pane.ts";
import { MessageWindow, type Page } from "./message_window.ts";
import type { Palette } from "./palette.ts";

export interface FocusOptions {
  readonly client: ChatClient;
  readonly me: string;
  readonly palette: Palette;
  /** Undefined for a screen with notes alone. */
  readonly current: ConversationRef | undefined;
  /** Unread messages begin after this entry. */
  readonly unreadAfter?: number;
  readonly details: MessageDetails;
  /** Whether the person is at the terminal. */
  isPresent(): boolean;
  /** How far the person has read a conversation. */
  readSeq(conversation: string): number;
  /** Messages were loaded, and are not drawn yet. */
  onLoaded(messages: readonly Message[]): void;
}

const pageSize = 100;
const maxPlaces = 50;
/** Newest pages to load at most, when messages keep arriving. */
const maxTries = 3;

/** A message of a log by its seq, or the first one that was accepted at a time or later. */
export type LogTarget = { readonly seq: number } | { readonly fromMs: number };

/** A conversation on the screen: a window of its log, and the scroll position. */
export class Focus {
  readonly current: ConversationRef | undefined;
  readonly window: MessageWindow;
  readonly pane: MessagePane;
  readonly #client: ChatClient;
  readonly #me: string;
  readonly #onLoaded: FocusOptions["onLoaded"];
  readonly #isPresent: FocusOptions["isPresent"];
  readonly #readSeq: FocusOptions["readSeq"];
  #loading: Promise<void> | undefined;
  #loaded = false;
  /** Places to go back to. */
  readonly #places: PanePlace[] = [];

  constructor(options: FocusOptions) {
    const { client, me, palette, current, unreadAfter, details, onLoaded } = options;
    this.#client = client;
    this.#me = me;
    this.#onLoaded = onLoaded;
    this.#isPresent = options.isPresent;
    this.#readSeq = options.readSeq;
    this.current = current;
    this.window = new MessageWindow({ me });
    this.pane = new MessagePane({ me, palette, window: this.window, details });
    this.pane.unreadAfter = unreadAfter;
  }

  /** Whether its newest messages were read from the server. */
  get loaded(): boolean {
    return this.#loaded;
  }

  get isLoading(): boolean {
    return this.#loading !== undefined;
  }

  /** @throws {ChatError} */
  async loadNewest(): Promise<void> {
    if (this.current === undefined) return;
    const page = await this.#page({});
    this.window.addNewest(page);
    this.#loaded = true;
    this.#onLoaded(page.messages);
  }

  /** The person turns to it, at its newest messages. Unread ones begin after `unreadAfter`. */
  reopen(unreadAfter: number | undefined): void {
    this.pane.toNewest();
    this.pane.unreadAfter = unreadAfter;
  }

  arrived(message: Message): void {
    const before = this.window.lastSeq;
    this.window.arrived(message);
    if (message.sender === this.#me && message.event === undefined) this.pane.unreadAfter = undefined;
    // Below the visible part, or in the person's absence: unread until they see it.
    else if ((!this.pane.follows || !this.#isPresent()) && before > 0) this.#markUnread(before);
  }

  /** Unread messages begin after this entry, unless they began earlier. */
  #markUnread(after: number): void {
    const isAllRead = this.#readSeq(this.current!.conversation) >= after;
    this.pane.unreadAfter = isAllRead ? after : this.pane.unreadAfter ?? after;
  }

  /** Scrolls up by rows, or down if negative, and loads missing messages. @throws {ChatError} */
  async scroll(by: number, size: PaneSize): Promise<void> {
    const moved = this.pane.scroll(by, size);
    if (by > 0 && this.window.hasOlder && this.pane.rowsAbove(size.columns, size.rows * 2) < size.rows * 2) {
      await this.#once(() => this.#loadOlder());
      if (!moved) this.pane.scroll(by, size);
    }
    if (by < 0 && this.window.hasNewer && this.pane.isAtEnd) {
      await this.#once(() => this.#loadNewer());
    }
  }

  /** @throws {ChatError} */
  async toNewest(): Promise<void> {
    // Messages may arrive while a page is on its way.
    for (let tries = 0; this.window.hasNewer && tries < maxTries; tries++) await this.#once(() => this.loadNewest());
    this.pane.toNewest();
  }

  /** Scrolls to a message, or to the first one from a time on, and remembers the place for {@link back}. @throws {ChatError} */
  async goTo(target: LogTarget, size: PaneSize): Promise<void> {
    const from = this.pane.place;
    const seq = await this.#bringIn(target);
    this.#places.push(from);
    if (this.#places.length > maxPlaces) this.#places.shift();
    this.pane.goTo(seq, size);
  }

  /** Scrolls to the message that the one last gone to answers, else that of the lowest visible reply. @throws {ChatError} */
  async goToAnswered(size: PaneSize): Promise<void> {
    const visible = [...this.pane.visible(size)];
    const reply = visible.find(({ seq, replyTo }) => seq === this.pane.pointedOut && replyTo !== undefined) ??
      visible.find(({ replyTo }) => replyTo !== undefined);
    if (reply !== undefined) await this.goTo({ seq: reply.replyTo! }, size);
  }

  /** Scrolls back to the place before the last {@link goTo}. @throws {ChatError} */
  async back(size: PaneSize): Promise<void> {
    if (this.#places.length === 0) return;
    const place = this.#places.pop();
    if (place === undefined) return await this.toNewest();
    await this.#bringIn({ seq: place.seq });
    this.pane.restore(place);
    this.pane.scroll(0, size);
  }

  /** Loads the part of the log around a target. @returns the seq of its message */
  async #bringIn(target: LogTarget): Promise<number> {
    if ("seq" in target && this.window.has(target.seq)) return target.seq;
    let seq = "seq" in target ? target.seq : 0;
    // A page that is on its way is for another part of the log.
    while (this.#loading) await this.#loading.catch(() => {});
    await this.#once(async () => {
      const before = seq - pageSize / 2;
      const page = await this.#page(
        "fromMs" in target || before <= 0 ? { fromMs: "fromMs" in target ? target.fromMs : 1 } : { afterSeq: before },
      );
      const first = page.messages.find((message) => message.seq >= seq);
      if (first === undefined) throw new ChatError("not_found", "There is no message there.");
      seq = first.seq;
      this.window.replace(page);
      this.#onLoaded(page.messages);
    });
    return seq;
  }

  async #once(load: () => Promise<void>): Promise<void> {
    if (this.#loading) return await this.#loading;
    this.#loading = load().finally(() => this.#loading = undefined);
    await this.#loading;
  }

  async #loadOlder(): Promise<void> {
    const page = await this.#page({ beforeSeq: this.window.firstSeq });
    this.window.addOlder(page);
    this.#onLoaded(page.messages);
  }

  async #loadNewer(): Promise<void> {
    const page = await this.#page({ afterSeq: this.window.lastSeq });
    this.window.addNewer(page);
    this.#onLoaded(page.messages);
  }

  async #page(range: { beforeSeq?: number; afterSeq?: number; fromMs?: number }): Promise<Page> {
    const { address } = this.current!;
    const page: HistoryResponse = await this.#client.history({
      with: address,
      limit: pageSize,
      events: true,
      ...range,
    });
    const messages = page.messages.flatMap((message) => fromWireMessage(message) ?? []);
    return { messages, headSeq: page.headSeq, more: page.more, moreAfter: page.moreAfter };
  }
}
