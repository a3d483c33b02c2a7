import type { ChatClient } from "../../client/chat_client.ts";
import type { Message } from "../../core/messages/message.ts";
import type { HistoryResponse } from "../../gen/chatd/v1/chat.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import type { ConversationRef } from "../chat/conversations/conversation_ref.ts";
import { isShown, loadPart, type LogPart } from "../chat/conversations/log_part.ts";
import type { LogTarget } from "../chat/conversations/log_target.ts";
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
  /** Whether the person is at the terminal. */
  isPresent(): boolean;
  /** How far the person has read a conversation. */
  readSeq(conversation: string): number;
  /** A conversation for people: "with ben", "in #ops". */
  phrase(conversation: string): string;
  /** Messages were loaded, and are not drawn yet. */
  onLoaded(messages: readonly Message[]): void;
}

/** A page, also of entries of kinds that this client does not know. */
interface LoadedPage extends Page {
  readonly firstSeq: number;
  readonly lastSeq: number;
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
  readonly #isPresent: FocusOptions["isPresent"];
  readonly #readSeq: FocusOptions["readSeq"];
  readonly #phrase: FocusOptions["phrase"];
  #loading: Promise<void> | undefined;
  #loaded = false;

  constructor(options: FocusOptions) {
    const { client, me, palette, current, unreadAfter, details, onLoaded } = options;
    this.#client = client;
    this.#me = me;
    this.#onLoaded = onLoaded;
    this.#isPresent = options.isPresent;
    this.#readSeq = options.readSeq;
    this.#phrase = options.phrase;
    this.current = current;
    this.window = new MessageWindow({ me });
    this.pane = new MessagePane({ me, palette, window: this.window, details });
    this.pane.unreadAfter = unreadAfter;
  }

  /** Whether its newest messages were read from the server. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** The log is another one, or the person may not see it any more: no message on the screen counts as read. */
  forget(): void {
    this.#loaded = false;
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
    await this.#loadBefore(page);
  }

  /** The person turns to it, at its newest messages. Unread ones begin after `unreadAfter`. */
  reopen(unreadAfter: number | undefined): void {
    this.pane.toNewest();
    this.pane.unreadAfter = unreadAfter;
  }

  arrived(message: Message): void {
    const { hasNewer, head, lastSeq } = this.window;
    const before = hasNewer ? head : lastSeq;
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
    const empty = Math.max(0, size.rows - this.pane.rowsAbove(size.columns, size.rows));
    const moved = this.pane.scroll(by, size);
    if (by > 0 && this.window.hasOlder && this.pane.rowsAbove(size.columns, size.rows * 2) < size.rows * 2) {
      await this.#once(() => this.#loadOlder());
      // Older messages take the empty rows first.
      if (!moved && by > empty) this.pane.scroll(by - empty, size);
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

  /** Loads a part of the log, unless it is here. @returns a function that shows it @throws {ChatError} */
  async load(target: LogTarget): Promise<(size: PaneSize) => void> {
    const seq = "seq" in target ? target.seq : "bottom" in target ? target.bottom.seq : undefined;
    if (seq !== undefined && this.window.has(seq)) return (size) => this.#show(target, { seq, size });
    const part = await this.#loadAlone(target);
    return (size) => {
      this.#replace(part);
      this.#show(target, { seq: part.seq, size });
    };
  }

  /** Loads messages missed without a connection: the newest, or those around the scroll position. @throws {ChatError} */
  async catchUp(): Promise<void> {
    const { place } = this.pane;
    if (place === undefined) return await this.loadNewest();
    this.#replace(await this.#loadAlone({ bottom: place }));
  }

  /** The message that the one last gone to answers, else that of the lowest visible reply; undefined without one. */
  answered(size: PaneSize): number | undefined {
    const visible = [...this.pane.visible(size)];
    const reply = visible.find(({ seq, replyTo }) => seq === this.pane.pointedOut && replyTo !== undefined) ??
      visible.find(({ replyTo }) => replyTo !== undefined);
    return reply?.replyTo;
  }

  /** Shows lines at the bottom of the visible part. */
  note(lines: readonly string[]): void {
    const { place } = this.pane;
    const item = this.window.note({ lines }, place?.seq);
    if (place !== undefined) this.pane.reveal(item);
  }

  /** Shows only messages that the person has not seen, until they scroll up. @throws {ChatError} */
  async clear(): Promise<void> {
    const { head, hasNewer } = this.window;
    const hasSeenAll = this.pane.follows && !hasNewer;
    this.window.clear(hasSeenAll ? head : Math.min(head, this.#readSeq(this.current?.conversation ?? "")));
    if (hasSeenAll) this.pane.unreadAfter = undefined;
    await this.toNewest();
  }

  #show(target: LogTarget, { seq, size }: { seq: number; size: PaneSize }): void {
    if ("bottom" in target) this.pane.restore(target.bottom, size);
    else this.pane.goTo(seq, size);
  }

  #replace(part: LogPart): void {
    this.window.replace(part);
    if (!this.window.hasNewer) this.#loaded = true;
    this.#onLoaded(part.messages);
  }

  /** Loads a part of the log when no other page is on its way, which would be for another part. */
  async #loadAlone(target: LogTarget): Promise<LogPart> {
    while (this.#loading) await this.#loading.catch(() => {});
    const { address, conversation } = this.current!;
    const [client, phrase, before] = [this.#client, this.#phrase(conversation), pageSize / 2];
    const part = loadPart(target, { client, address, phrase, limit: pageSize, before });
    await this.#once(async () => void await part);
    return await part;
  }

  async #once(load: () => Promise<void>): Promise<void> {
    if (this.#loading) return await this.#loading;
    this.#loading = load().finally(() => this.#loading = undefined);
    await this.#loading;
  }

  async #loadOlder(): Promise<void> {
    await this.#loadBefore(await this.#addOlder(this.window.firstSeq));
  }

  /** Loads the pages before one without messages: changes alone, such as reactions, have no rows. */
  async #loadBefore(page: LoadedPage): Promise<void> {
    while (page.more && !page.messages.some(isShown)) page = await this.#addOlder(page.firstSeq);
  }

  async #addOlder(beforeSeq: number): Promise<LoadedPage> {
    const page = await this.#page({ beforeSeq });
    this.window.addOlder(page);
    this.#onLoaded(page.messages);
    return page;
  }

  async #loadNewer(): Promise<void> {
    let page: LoadedPage;
    let afterSeq = this.window.lastSeq;
    do {
      page = await this.#page({ afterSeq });
      this.window.addNewer(page);
      if (!this.window.hasNewer) this.#loaded = true;
      this.#onLoaded(page.messages);
      afterSeq = page.lastSeq;
    } while (page.moreAfter && !page.messages.some(isShown));
  }

  async #page(range: { beforeSeq?: number; afterSeq?: number }): Promise<LoadedPage> {
    const { address } = this.current!;
    const page: HistoryResponse = await this.#client.history({
      with: address,
      limit: pageSize,
      events: true,
      ...range,
    });
    const messages = page.messages.flatMap((message) => fromWireMessage(message) ?? []);
    return { ...page, messages };
  }
}
