import assert from "node:assert/strict";
import { Http2Transport } from "../../../src/grpc/client/http2_transport.ts";
import { createCertificates } from "../../crash/certificates.ts";
import { slowed } from "../../support/waiting/deadlines.ts";
import { until } from "../../support/waiting/turns.ts";

const roots = new TextEncoder().encode((await createCertificates()).authority);
const logIn = { user: "ana", password: "correct horse battery", deviceName: "", deviceId: "" };

for (const tls of [undefined, { roots, serverName: "localhost" }]) {
  const how = tls === undefined ? "without" : "with";
  Deno.test(`a cancelled call closes its connection to a silent server, ${how} TLS`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { hostname: host, port } = listener.addr as Deno.NetAddr;
    const attempt = new AbortController();
    const transport = new Http2Transport({ host, port, tls, callback: false });
    const answered = transport.logIn(logIn, { signal: attempt.signal });
    using client = await listener.accept();
    const bytes = new Uint8Array(4096);
    await client.read(bytes);
    let ended = false;
    const reading = (async () => {
      while (await client.read(bytes) !== null);
    })().catch(() => {}).then(() => ended = true);

    attempt.abort();

    await assert.rejects(answered);
    await until(() => ended, { deadlineMs: slowed(5_000) });
    await reading;
  });
}
