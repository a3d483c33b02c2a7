import type { ChatClient } from "../../client/chat_client.ts";
import type { Message } from "../../core/messages/message.ts";
import type { HistoryResponse } from "../../gen/chatd/v1/chat.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import type { ConversationRef } from "../chat/conversation_ref.ts";
import type { MessageDetails } from "../text/message_details.ts";
import { MessagePane, type PaneSize } from "./message_pane.ts";
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
  /** Messages were loaded, and are not drawn yet. */
  onLoaded(messages: readonly Message[]): void;
}

const pageSize = 100;
/** Newest pages to load at most, when messages keep arriving. */
const maxTries = 3;

/** A conversation on the screen: a window of its log, and the scroll position. */
export class Focus {
  readonly current: ConversationRef | undefined;
  readonly window: MessageWindow;
  readonly pane: MessagePane;
  readonly #client: ChatClient;
  readonly #me: string;
  readonly #onLoaded: FocusOptions["onLoaded"];
  #loading: Promise<void> | undefined;
  #loaded = false;

  constructor({ client, me, palette, current, unreadAfter, details, onLoaded }: FocusOptions) {
    this.#client = client;
    this.#me = me;
    this.#onLoaded = onLoaded;
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

  arrived(message: Message): void {
    const before = this.window.lastSeq;
    this.window.arrived(message);
    if (message.sender === this.#me && message.event === undefined) this.pane.unreadAfter = undefined;
    // Below the visible part: unread until the person scrolls there.
    else if (!this.pane.follows && before > 0) this.pane.unreadAfter ??= before;
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

  async #page(range: { beforeSeq?: number; afterSeq?: number }): Promise<Page> {
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
