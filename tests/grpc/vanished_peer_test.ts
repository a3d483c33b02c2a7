import assert from "node:assert/strict";
import type { Transport } from "../../src/client/transport.ts";
import { GrpcTransport } from "../../src/grpc/client/client_transport.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import type { GrpcTransportOptions } from "../../src/grpc/client/transport_options.ts";
import { startTestGrpcServer } from "../support/servers/grpc_server.ts";
import { Network } from "../support/proxies/network.ts";
import { join } from "../support/servers/person.ts";
import { until } from "../support/waiting/turns.ts";

const noticed = { deadlineMs: 35_000 };

async function loseNetwork(
  { callback, Client }: { callback: boolean; Client: new (options: GrpcTransportOptions) => Transport },
): Promise<void> {
  await using test = await startTestGrpcServer();
  await using network = await Network.to(test.server.port);
  const ana = await join("ana", new Client({ host: "127.0.0.1", port: network.port, callback }));
  const ben = await join("ben", new GrpcTransport({ host: "127.0.0.1", port: test.server.port, callback: false }));
  await ben.client.send("ana", "before");
  await until(() => ana.received.length === 1);

  network.freeze();
  const late = ana.client.send("ben", "sent into the silence");
  await ben.client.send("ana", "meanwhile");
  await Promise.all([
    until(() => ana.client.state.kind === "offline", { what: "the client notices", ...noticed }),
    until(() => !test.chat.live.isOnline("ana"), { what: "the server notices", ...noticed }),
  ]);

  network.thaw();
  await late;
  await ben.client.send("ana", "after");
  await until(() => ana.received.length >= 3 && ben.received.length >= 1);
  assert.deepEqual(ana.received.map(({ text }) => text), ["before", "meanwhile", "after"]);
  assert.deepEqual(ben.received.map(({ text }) => text), ["sent into the silence"]);
  await Promise.all([ana.stop(), ben.stop()]);
}

Deno.test("both sides notice within 35 s that the network lost everything, and nothing is lost", async () => {
  // Together, because each is a wait for keepalive.
  await Promise.all([
    loseNetwork({ callback: false, Client: Http2Transport }),
    loseNetwork({ callback: true, Client: Http2Transport }),
    loseNetwork({ callback: false, Client: GrpcTransport }),
  ]);
});
