import type { Request } from "../gen/chatd/v1/session.ts";
import { hasHandler, requestHandlers } from "./request_handlers.ts";
import type { RequestName, RequestValues } from "./request_types.ts";

/** Items of a page that cost as much as a small request does. */
const itemsPerToken = 50;

/** Tokens of most kinds of requests. */
const standardCost = 1;

/**
 * The tokens of `--rate` and `--burst` that a request costs: those of its kind, and one for each 50 items of its page.
 */
export function costOf<Name extends RequestName>(name: Name, request: RequestValues[Name]): number {
  const { cost = standardCost, page } = requestHandlers[name];
  if (page === undefined) return cost;
  const { limit } = request as { limit: number };
  // A larger page is refused.
  return cost + Math.min(limit === 0 ? page.standard : limit, page.most) / itemsPerToken;
}

/** The tokens that a send costs, on each of its ways. */
export const costOfSend = requestHandlers.send.cost ?? standardCost;

/** Like {@link costOf}, for a request of a session, which may have no handler. */
export function costOfRequest({ kind }: Request): number {
  return hasHandler(kind) ? costOf(kind.$case, kind.value as never) : standardCost;
}
