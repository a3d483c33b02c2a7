import type { ChatClient } from "../../../client/chat_client.ts";
import { ChatError } from "../../../core/chat_error.ts";
import { conversationAddress } from "../../../core/messages/message.ts";
import type { Conversation } from "../../../gen/chatd/v1/chat.ts";
import type { ListLoading } from "./room_addresses.ts";

/** Conversations to ask for, in all and in one request. */
const maxConversations = 500;
const pageSize = 100;
/** How long to collect conversations before asking for them, in milliseconds. */
const gatherMs = 300;
/** More conversations than this are asked for as a list. */
const maxSingle = 5;

export interface ConversationRefreshOptions {
  readonly client: ChatClient;
  readonly me: string;
  learn(conversation: Conversation): void;
  /** The person may not see the conversation any more. */
  gone(conversation: string): void;
}

/** Asks the server for state that is in no log: memberships, invitations, names, unread counts. */
export class ConversationRefresh implements ListLoading {
  readonly #options: ConversationRefreshOptions;
  readonly #wanted = new Set<string>();
  #isLoaded = false;
  #batch: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConversationRefreshOptions) {
    this.#options = options;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  async load(): Promise<void> {
    if (!this.#isLoaded) await this.all();
  }

  /** The list was emptied. */
  forget(): void {
    this.#isLoaded = false;
  }

  /** @throws {ChatError} */
  async all(): Promise<void> {
    await this.#askAll();
    this.#isLoaded = true;
  }

  async #askAll(): Promise<void> {
    let beforePosition = 0;
    for (let got = 0; got < maxConversations; got += pageSize) {
      const page = await this.#options.client.listConversations({ beforePosition, limit: pageSize });
      for (const conversation of page.conversations) this.#options.learn(conversation);
      const last = page.conversations.at(-1);
      if (!page.more || last === undefined) return;
      beforePosition = last.position;
    }
  }

  /** Asks for a conversation soon, together with others. Resolves when the server answered or cannot be asked. */
  one(conversation: string): Promise<void> {
    this.#wanted.add(conversation);
    return this.#batch ??= new Promise((resolve) => {
      this.#timer = setTimeout(() => resolve(this.#ask()), gatherMs);
    });
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    this.#batch = undefined;
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    try {
      if (wanted.length > maxSingle) await this.all();
      else await Promise.all(wanted.map((conversation) => this.#askOne(conversation)));
    } catch (error) {
      // The next change, or the next session, asks again.
      if (!(error instanceof ChatError)) throw error;
    }
  }

  async #askOne(conversation: string): Promise<void> {
    const { client, me, learn, gone } = this.#options;
    try {
      learn(await client.conversation(conversationAddress(conversation, me)));
    } catch (error) {
      if (error instanceof ChatError && error.code === "not_found") gone(conversation);
      else throw error;
    }
  }
}
