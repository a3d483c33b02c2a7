import assert from "node:assert/strict";
import { maxHeldLists, otherHeldBytes } from "../../../src/grpc/http2/connection_limits.ts";
import { limits } from "./held_memory.ts";

Deno.test("the worst peer makes a connection hold no more than its limits add up to", async () => {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", new URL("./held_memory.ts", import.meta.url).pathname],
    stderr: "inherit",
  }).output();
  assert.ok(success);
  const held = Number(new TextDecoder().decode(stdout));
  const { connectionWindow, maxQueuedBytes, maxHeaderListBytes } = limits;
  const bound = connectionWindow + maxQueuedBytes + 3 * maxHeldLists * maxHeaderListBytes + otherHeldBytes;
  assert.ok(held > bound / 4 && held <= bound, `${held} of ${bound} octets`);
});
