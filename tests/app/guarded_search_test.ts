import assert from "node:assert/strict";
import { GuardedSearch } from "../../src/app/guarded_search.ts";
import { ChatError } from "../../src/core/chat_error.ts";
import type { SearchResult } from "../../src/core/search/message_search.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";

const nothing: SearchResult = { positions: [], more: false, nextBeforePosition: 0, indexedThrough: 0, indexedUntil: 0 };
const request = (user: string) => ({ user, terms: [], excluded: [], beforePosition: 0, limit: 10 });

Deno.test("searches beyond the limits of a user and of all are refused until others end, also by an error", async () => {
  const ends: PromiseWithResolvers<SearchResult>[] = [];
  const search = new GuardedSearch({
    find() {
      ends.push(Promise.withResolvers<SearchResult>());
      return ends.at(-1)!.promise;
    },
  });
  const running = [search.find(request("ana")), search.find(request("ana"))];
  await rejectsWith("rate_limited", search.find(request("ana")));
  for (let number = 2; number < 32; number++) running.push(search.find(request(`user${number}`)));
  await rejectsWith("busy", search.find(request("ben")));
  ends[0].reject(new Error("no"));
  await assert.rejects(running[0], /no/);
  running[0] = search.find(request("ana"));
  await rejectsWith("busy", search.find(request("ben")));
  for (const { resolve } of ends) resolve(nothing);
  await Promise.all(running);
});

Deno.test("a user whose search took too long waits before the next one, and other users do not", async () => {
  const search = new GuardedSearch({
    find: ({ user }) =>
      user === "ana" ? Promise.reject(new ChatError("limit_reached", "too long")) : Promise.resolve(nothing),
  });
  await rejectsWith("limit_reached", search.find(request("ana")));
  const { retryAfterMs } = await rejectsWith("rate_limited", search.find(request("ana")));
  assert.ok(retryAfterMs !== undefined && retryAfterMs > 0 && retryAfterMs <= 60_000, `${retryAfterMs} ms`);
  assert.deepEqual(await search.find(request("ben")), nothing);
});
