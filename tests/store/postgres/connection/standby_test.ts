import assert from "node:assert/strict";
import { ChatError } from "../../../../src/core/chat_error.ts";
import { silentLog } from "../../../../src/core/log.ts";
import { type StandbyReason, standByUntil } from "../../../../src/store/postgres/connection/standby.ts";
import { rejectsWith } from "../../../support/checks/chat_error_assertions.ts";

/** Stands by, with these results of the attempts. */
async function standBy(...results: (string | object)[]): Promise<StandbyReason[]> {
  const reasons: StandbyReason[] = [];
  const begin = () => {
    const result = results.shift()!;
    return result instanceof ChatError ? Promise.reject(result) : Promise.resolve(result);
  };
  const onStandby = (reason: StandbyReason) => void reasons.push(reason);
  await standByUntil(begin, { log: silentLog, signal: new AbortController().signal, onStandby });
  return reasons;
}

Deno.test("a node that stands by waits until it is admitted again, and ends when only another program would help", async () => {
  const refused = new ChatError("unauthenticated", "Cannot log in.");
  assert.deepEqual(await standBy("one", refused, {}), [{ servedBy: "one" }, { obstacle: "Cannot log in." }]);
  await rejectsWith("unsupported_version", standBy("one", new ChatError("unsupported_version", "Too new.")));
});

Deno.test("a node that is not admitted at its first attempt ends", async () => {
  await rejectsWith("unauthenticated", standBy(new ChatError("unauthenticated", "Cannot log in.")));
});
