/** chatd's client over its own HTTP/2, against servers that break every rule. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { rootCertificates } from "node:tls";
import type { Link } from "../../../src/client/transport.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import { Http2Transport } from "../../../src/grpc/client/http2_transport.ts";
import { type HostileBehaviour, hostileBehaviours, startHostileServer } from "../../crash/hostile_server.ts";
import { data, Flag, goaway, headers, hpack, settings, SETTINGS_ACK } from "../../crash/http2_frames.ts";
import { seededRandom } from "../../crash/seeded_random.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";
import { until } from "../../support/waiting/turns.ts";

const seed = Number(Deno.env.get("CHATD_CRASH_SEED") ?? Date.now() % 1_000_000);
const rounds = 15;
const login = { user: "ana", password: "correct horse", deviceName: "", deviceId: "" };

function transportTo(port: number): Http2Transport {
  return new Http2Transport({ host: "127.0.0.1", port, callback: false });
}

/** Returns why a session ended; undefined when the server ended it in order. */
async function endOf(connecting: Promise<Link>): Promise<ChatError | undefined> {
  let link: Link | undefined;
  try {
    link = await connecting;
    link.send({ requests: [] });
    for await (const _frame of link.frames) link.send({ requests: [] });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ChatError, String(error));
    return error;
  } finally {
    await link?.close();
  }
}

async function withServer(behaviour: HostileBehaviour, use: (transport: Http2Transport) => Promise<void>) {
  const server = await startHostileServer(behaviour, { random: seededRandom(seed).fork(behaviour.name) });
  try {
    await use(transportTo(server.port));
  } finally {
    await server.close();
  }
}

for (const behaviour of hostileBehaviours) {
  Deno.test({
    name: `a client of a server that ${behaviour.name} sees its session and its call fail (seed ${seed})`,
    // The servers leave sockets and timers behind on purpose.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () =>
      withServer(behaviour, async (transport) => {
        for (let round = 0; round < rounds; round++) {
          const ended = endOf(transport.connect({}));
          // The random bytes may form a valid response.
          const answered = transport.logIn(login, { signal: AbortSignal.timeout(2_000) }).catch((error) =>
            assert.ok(error instanceof ChatError, String(error))
          );
          await Promise.all([ended, answered]);
        }
      }),
  });
}

Deno.test("a session continues when the server sends GOAWAY for new calls only, and receives its last frames", () =>
  withServer({
    name: "goes away in order",
    async serve(wire) {
      await wire.write(settings());
      await wire.firstBytes(1_000);
      await wire.write(SETTINGS_ACK);
      await wire.write(headers(1, hpack([[":status", "200"], ["content-type", "application/grpc"]])));
      await wire.write(goaway(1));
      await wire.write(data(1, new Uint8Array(5)));
      await wire.write(headers(1, hpack([["grpc-status", "0"]]), Flag.endHeaders | Flag.endStream));
      await wire.firstBytes(1_000);
    },
  }, async (transport) => {
    const link = await transport.connect({});
    assert.deepEqual(await Array.fromAsync(link.frames), [{ items: [], receipt: 0, through: 0, bytes: 0 }]);
    await link.close();
  }));

Deno.test("a missing server, and one that answers with HTTP/1.1, are unavailable", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assert.rejects(transportTo(port).connect({}), {
    code: "unavailable",
    message: /^Cannot reach the server at 127.*[^.]\.$/,
  });
  await withServer({
    name: "speaks HTTP/1.1",
    async serve(wire) {
      await wire.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as never);
      wire.finish();
    },
  }, async (transport) => {
    const error = await endOf(transport.connect({}));
    assert.equal(error?.code, "unavailable");
    await assert.rejects(transport.logIn(login, {}), {
      code: "unavailable",
      message: /^Cannot reach the server at \S+: it does not speak HTTP\/2 without TLS: check the port, [^.]+ --tls\.$/,
    });
  });
});

Deno.test("a server that speaks HTTP/2 and breaks a rule is not reported as speaking none", () =>
  withServer({
    name: "sends DATA of no stream",
    async serve(wire) {
      await wire.write(settings());
      await wire.firstBytes(1_000);
      await wire.write(data(0, new Uint8Array(5)));
      await wire.firstBytes(1_000);
    },
  }, async (transport) => {
    await assert.rejects(transport.logIn(login, {}), {
      code: "unavailable",
      message:
        /^Cannot reach the server at \S+: it broke a rule of HTTP\/2 \(A frame of type 0 belongs to the stream\)\.$/,
    });
  }));

Deno.test("a received HTTP status is the reason of a failed call, however the connection ends afterwards", () =>
  withServer({
    name: "answers with HTTP 502 and sends DATA of no stream",
    async serve(wire) {
      await wire.write(settings());
      await wire.firstBytes(1_000);
      await wire.write(headers(1, hpack([[":status", "502"], ["content-type", "application/grpc"]])));
      await wire.write(data(0, new Uint8Array(5)));
      await wire.firstBytes(1_000);
    },
  }, async (transport) => {
    await assert.rejects(transport.logIn(login, {}), {
      code: "unavailable",
      message: /^Cannot reach the server at \S+: a proxy answers there with HTTP 502, without a server behind it\.$/,
    });
  }));

Deno.test("a server that disconnects while the callback port is opened is unavailable, and the port is closed", async () => {
  const server = createServer((socket) => socket.destroy());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const transport = new Http2Transport({ host: "127.0.0.1", port, callback: true });
  for (let round = 0; round < 5; round++) {
    const error = await endOf(transport.connect({}));
    assert.equal(error?.code, "unavailable");
  }
  server.close();
  await once(server, "close");
});

Deno.test("a server that is silent in the TLS handshake is unavailable after a while", async () => {
  using time = new FakeTime();
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const roots = new TextEncoder().encode(rootCertificates[0]);
  const transport = new Http2Transport({
    host: "127.0.0.1",
    port,
    callback: false,
    tls: { roots, serverName: "chat" },
  });
  const answered = transport.logIn(login, {});
  const rejected = assert.rejects(answered, { code: "unavailable", message: /it did not answer in time/ });
  await until(() => sockets.length > 0);
  await time.tick(20_000);
  await rejected;
  assert.equal(time.pending, 0);
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, "close");
});
