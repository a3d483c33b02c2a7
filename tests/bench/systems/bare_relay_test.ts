import assert from "node:assert/strict";
import { BareStream, startBareRelay } from "../../../src/bench/systems/bare_relay.ts";
import { eventually } from "../../support/waiting/eventually.ts";

Deno.test("a bare relay passes bytes only to the named stream, in order", async () => {
  const relay = await startBareRelay({ port: 0 });
  const received: Record<string, number[]> = { ana: [], ben: [] };
  const open = (name: string, to?: string) =>
    BareStream.open({ port: relay.port, name, to, onBytes: ([first]) => void received[name].push(first) });
  const [ana, ben] = [await open("ana", "ben"), await open("ben")];
  for (let i = 0; i < 50; i++) ana.write(Uint8Array.of(i, 0, 0));
  await eventually(() => received.ben.length === 50);
  assert.deepEqual(received, { ana: [], ben: Array.from({ length: 50 }, (_, i) => i) });
  for (const stream of [ana, ben]) stream.close();
  relay.close();
});

// grpc-js keeps timers of the refused connection for a while.
const leavesTimers = { sanitizeOps: false, sanitizeResources: false };

Deno.test("a stream to a port without a relay is refused", leavesTimers, async () => {
  const relay = await startBareRelay({ port: 0 });
  relay.close();
  const opening = BareStream.open({ port: relay.port, name: "ana", onBytes: () => {} });
  await assert.rejects(opening, { code: "unavailable", message: /The relay ended the stream/ });
});
