import type { Identity } from "../core/accounts/accounts.ts";
import type { Chat } from "../core/chat.ts";
import type { Turn } from "../core/page_turns.ts";
import type { Subscriber } from "../core/people/live_sessions.ts";
import type { Reply, Request } from "../gen/chatd/v1/session.ts";

/** The chat that a request is made to, and the user who makes it. */
export interface RequestContext {
  readonly chat: Chat;
  readonly identity: Identity;
  /** The live session that the request came in; absent in a single call. */
  readonly subscriber?: Subscriber;
  /** Present where the handler takes turns with the requests of other users. */
  readonly turn?: Turn;
}

type RequestKind = NonNullable<Request["kind"]>;
type ReplyResult = NonNullable<Reply["result"]>;
export type RequestValues = { [K in RequestKind as K["$case"]]: K["value"] };
export type ReplyValues = { [R in ReplyResult as R["$case"]]: R["value"] };

/** The requests of a user who is logged in; the session itself handles hello and ack. */
export type RequestName = Exclude<keyof RequestValues, "hello" | "ack">;

/** Sizes of a page: without a limit, and the largest. */
export interface PageSizes {
  readonly standard: number;
  readonly most: number;
}

/** The handler of one kind of request, with its traits, for live sessions and single calls alike. */
export type RequestHandler<Name extends RequestName> = PageOf<RequestValues[Name]> & {
  /** Tokens of `--rate` and `--burst` that the request costs beside the items of its page; 1 unless given. */
  readonly cost?: number;
  /** The handler may read much, and leaves the requests of other users their turns. */
  readonly takesTurns?: true;
  /** The handler does not read the store, so that the next request of its session may begin in the same turn. */
  readonly isQuick?: true;
  /** Whether the request ends the session that it comes in, whose last reply is then empty. */
  endsSession?(request: RequestValues[Name], identity: Identity): boolean;
  /** Answers the request. A `limit` in it is a page size within `page`. @throws {ChatError} */
  answer(context: RequestContext, request: RequestValues[Name]): ReplyValues[Name] | Promise<ReplyValues[Name]>;
};

/** A request with a limit has page sizes, and no other has. */
type PageOf<Value> = Value extends { limit: number } ? { readonly page: PageSizes } : { readonly page?: undefined };

/** A handler for each of these requests. */
export type RequestHandlers<Names extends RequestName = RequestName> = {
  readonly [Name in Names]: RequestHandler<Name>;
};
