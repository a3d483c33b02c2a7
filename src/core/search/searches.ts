import type { KnownUsers } from "../accounts/known_users.ts";
import { ChatError } from "../chat_error.ts";
import type { Message } from "../messages/message.ts";
import type { MessageStore } from "../messages/message_store.ts";
import type { Posting } from "../messages/posting.ts";
import { noSuchUser } from "../messages/submission.ts";
import type { PageTurns } from "../page_turns.ts";
import type { MessageSearch } from "./message_search.ts";
import { parseSearchQuery } from "./search_query.ts";

/** Bytes of text in one page, after its first message. */
const maxPageBytes = 24 * 1024;

/** A page of search results. */
export interface SearchPage {
  /** Newest first. */
  readonly messages: readonly Message[];
  /** More matches may exist before `nextBeforePosition`, even if this page is empty. */
  readonly more: boolean;
  readonly nextBeforePosition: number;
  /** Messages after this position are not indexed yet. */
  readonly indexedThrough: number;
  /** The time of the newest indexed entry, in milliseconds since the Unix epoch; 0 if none is indexed. */
  readonly indexedUntil: number;
}

export interface SearchesOptions {
  readonly search: MessageSearch;
  readonly store: MessageStore;
  readonly posting: Posting;
  readonly known: KnownUsers;
  readonly pages: PageTurns;
}

/** Runs searches that users type. */
export class Searches {
  readonly #options: SearchesOptions;

  constructor(options: SearchesOptions) {
    this.#options = options;
  }

  /**
   * Finds messages.
   * @param page `query` in the syntax of `parseSearchQuery`; `beforePosition` 0 starts from the newest
   * @throws {ChatError} `invalid_argument`; `not_found` for an unknown user or conversation; `permission_denied` for a
   * public room that the user was never in; `busy`, `rate_limited`, `limit_reached`, `unavailable`
   */
  async find(
    user: string,
    page: { query: string; beforePosition: number; limit: number },
  ): Promise<SearchPage> {
    const { search, store, pages } = this.#options;
    const { from, in: address, ...query } = parseSearchQuery(page.query);
    const sender = from && await this.#resolveSender(user, from);
    const conversation = address && await this.#resolveConversation(user, address);
    const { beforePosition, limit } = page;
    const found = await search.find({ user, ...query, sender, conversation, beforePosition, limit });
    const read = await pages.run(
      user,
      (turn) => store.messagesAt(user, found.positions, { maxBytes: maxPageBytes, turn }),
    );
    if (read.through === 0) return { ...found, messages: read.messages };
    return { ...found, messages: read.messages, more: true, nextBeforePosition: read.through };
  }

  async #resolveSender(user: string, from: string): Promise<string> {
    if (from === "me") return user;
    if (!await this.#options.known.has(from)) throw noSuchUser(from);
    return from;
  }

  async #resolveConversation(user: string, address: string): Promise<string> {
    const { posting, store } = this.#options;
    const { conversation, room, refusal } = await posting.resolve(user, address);
    if (conversation !== "" && await store.conversationOf(user, conversation) !== undefined) return conversation;
    if (refusal !== undefined) throw refusal;
    if (room === undefined) return conversation;
    throw new ChatError("permission_denied", `You are not in room ${room.label}: join it to search it.`);
  }
}
