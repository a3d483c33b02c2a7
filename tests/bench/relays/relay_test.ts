import assert from "node:assert/strict";
import { Http2Pipe } from "../../../src/bench/driver/http2_pipe.ts";
import { encodeNames, type Relay, relayPath } from "../../../src/bench/relays/relay.ts";
import { relayKinds, startRelay } from "../../../src/bench/relays/run_relay.ts";
import { eventually } from "../../support/waiting/eventually.ts";

/** A stream to a relay, with all messages that it received. */
async function openStream(relay: Relay, name: string, to?: string) {
  const received: string[] = [];
  const pipe = await Http2Pipe.open({
    host: "127.0.0.1",
    port: relay.port,
    path: relayPath,
    onMessage: (bytes, from, end) => received.push(new TextDecoder().decode(bytes.slice(from, end))),
    onLost: (error) => received.push(error.message),
  });
  pipe.send(encodeNames({ name, to }));
  await eventually(() => received.length === 1);
  assert.deepEqual(received.splice(0), [""]);
  return { received, pipe };
}

for (const kind of relayKinds) {
  Deno.test(`the ${kind} relay passes messages on in their order, and confirms each`, async () => {
    const relay = await startRelay(kind, { port: 0 });
    const ben = await openStream(relay, "ben");
    const ana = await openStream(relay, "ana", "ben");
    const sent = Array.from({ length: 500 }, (_, i) => `message ${i} ${"x".repeat(i)}`);
    for (const message of sent) ana.pipe.send(new TextEncoder().encode(message));
    await eventually(() => ben.received.length >= sent.length && ana.received.length >= sent.length);
    assert.deepEqual(ben.received, sent);
    assert.deepEqual(ana.received, sent.map(() => ""));
    await Promise.all([ana, ben].map(({ pipe }) => pipe.close()));
    relay.close();
  });
}
