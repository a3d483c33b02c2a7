import type { ChatClient } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import { conversationAddress } from "../../core/messages/message.ts";
import type { Conversation } from "../../gen/chatd/v1/chat.ts";

/** Most conversations that are asked for, and how many at once. */
const most = 500;
const pageSize = 100;
/** What changes together is asked together, in milliseconds. */
const gatherMs = 300;

export interface ConversationRefreshOptions {
  readonly client: ChatClient;
  readonly me: string;
  learn(conversation: Conversation): void;
  /** The person may not see it any more. */
  gone(conversation: string): void;
}

/** Asks the server what is in no log: memberships, names, what is unread. */
export class ConversationRefresh {
  readonly #options: ConversationRefreshOptions;
  readonly #wanted = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConversationRefreshOptions) {
    this.#options = options;
  }

  /** @throws {ChatError} */
  async all(): Promise<void> {
    let beforePosition = 0;
    for (let got = 0; got < most; got += pageSize) {
      const page = await this.#options.client.listConversations({ beforePosition, limit: pageSize });
      for (const conversation of page.conversations) this.#options.learn(conversation);
      const last = page.conversations.at(-1);
      if (!page.more || last === undefined) return;
      beforePosition = last.position;
    }
  }

  /** Soon, with others. */
  one(conversation: string): void {
    this.#wanted.add(conversation);
    this.#timer ??= setTimeout(() => this.#ask(), gatherMs);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #ask(): void {
    this.#timer = undefined;
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    if (wanted.length > 5) void this.all().catch(passed);
    else for (const conversation of wanted) void this.#askOne(conversation).catch(passed);
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

/** The next change, or the next session, asks again. */
function passed(error: unknown): void {
  if (!(error instanceof ChatError)) throw error;
}
