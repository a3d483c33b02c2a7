import type { Message, Pin } from "../../../core/messages/message.ts";
import type { Queries } from "../connection/connection.ts";
import type { PageLimits } from "../../shared/page_limits.ts";

/** Reads messages that a user, given by their key, may see; the methods are those of the message store. */
export class ShownMessages {
  entry(_queries: Queries, _user: number, _at: { conversation: string; seq: number }): Promise<Message | undefined> {
    throw new Error("not written");
  }

  at(
    _queries: Queries,
    _user: number,
    _page: { positions: readonly number[]; maxBytes: number },
  ): Promise<{ messages: Message[]; through: number }> {
    throw new Error("not written");
  }

  sentBy(
    _queries: Queries,
    _sender: number,
    _page: PageLimits & { beforeId: string },
  ): Promise<{ messages: Message[]; more: boolean }> {
    throw new Error("not written");
  }

  pinsIn(
    _queries: Queries,
    _user: number,
    _page: PageLimits & { conversation: string; beforePosition: number },
  ): Promise<{ pins: Pin[]; more: boolean }> {
    throw new Error("not written");
  }
}
