import type { ConversationSummary } from "../../../core/messages/message_store.ts";
import type { Queries } from "../connection/connection.ts";
import type { PageLimits } from "../../shared/page_limits.ts";

/** Reads a user's invitations and conversations. `user` is a key. The heads of direct conversations are written. */
export class ConversationList {
  page(
    _queries: Queries,
    _user: number,
    _page: PageLimits & { beforePosition: number },
  ): Promise<{ conversations: ConversationSummary[]; more: boolean }> {
    throw new Error("not written");
  }

  /** Returns one of those; undefined when the user has nothing to do with it. */
  one(_queries: Queries, _user: number, _conversation: string): Promise<ConversationSummary | undefined> {
    throw new Error("not written");
  }
}
