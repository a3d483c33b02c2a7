import type { HistoryPage, HistoryRange } from "../../../core/messages/message_store.ts";
import type { Queries } from "../connection/connection.ts";
import type { PageLimits } from "../../shared/page_limits.ts";

/** Reads pages of a conversation's history. */
export class History {
  /** `user` is a key. Returns undefined when the user was never in the conversation. */
  page(
    _queries: Queries,
    _user: number,
    _page: { conversation: string } & HistoryRange & PageLimits,
  ): Promise<HistoryPage | undefined> {
    throw new Error("not written");
  }
}
