import type { RequestName, RequestValues } from "./request_types.ts";

/** Page sizes of requests for lists: without a limit, and at most. */
export const pageSizes = {
  history: { standard: 50, most: 200 },
  sent: { standard: 50, most: 200 },
  search: { standard: 20, most: 50 },
  listConversations: { standard: 50, most: 100 },
  listRooms: { standard: 50, most: 100 },
  listUsers: { standard: 200, most: 1000 },
  listMembers: { standard: 200, most: 500 },
} as const;

/** Items of a page that cost as much as a small request does. */
const itemsPerToken = 50;

/** Tokens of requests that cost more than 1, beside the items of a page. */
const costs: { readonly [Name in RequestName]?: number } = {
  search: 10,
  changePassword: 10,
  deleteAccount: 10,
  listReaders: 4,
  getSettings: 2,
  listDevices: 2,
};

/** The tokens of `--rate` and `--burst` that a request costs: those of its kind, and one for each 50 items of its page. */
export function costOf<Name extends RequestName>(name: Name, request: RequestValues[Name]): number {
  const base = costs[name] ?? 1;
  if (!isPaged(name)) return base;
  const { standard, most } = pageSizes[name];
  const { limit } = request as { limit: number };
  // A larger page is refused.
  return base + Math.min(limit === 0 ? standard : limit, most) / itemsPerToken;
}

function isPaged(name: RequestName): name is keyof typeof pageSizes {
  return Object.hasOwn(pageSizes, name);
}
