import type { Identity } from "../core/accounts/accounts.ts";
import type { Chat } from "../core/chat.ts";
import type { Turn } from "../core/page_turns.ts";
import type { Subscriber } from "../core/people/live_sessions.ts";
import type { Reply, Request } from "../gen/chatd/v1/session.ts";

/** Who asks whom. */
export interface RequestContext {
  readonly chat: Chat;
  readonly identity: Identity;
  /** Absent in a single call. */
  readonly subscriber?: Subscriber;
  /** Of a request for a page: what makes it leaves others theirs. */
  readonly turn?: Turn;
}

type RequestKind = NonNullable<Request["kind"]>;
type ReplyResult = NonNullable<Reply["result"]>;
export type RequestValues = { [K in RequestKind as K["$case"]]: K["value"] };
export type ReplyValues = { [R in ReplyResult as R["$case"]]: R["value"] };

/** What a client can ask for once it is logged in; hello and ack belong to the session itself. */
export type RequestName = Exclude<keyof RequestValues, "hello" | "ack">;

/** Answer requests. They throw `ChatError`. */
export type RequestHandlers<Names extends RequestName = RequestName> = {
  [Name in Names]: (
    context: RequestContext,
    request: RequestValues[Name],
  ) => ReplyValues[Name] | Promise<ReplyValues[Name]>;
};
