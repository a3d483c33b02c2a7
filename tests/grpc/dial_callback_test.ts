import assert from "node:assert/strict";
import { Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { DeliveryServiceService } from "../../src/gen/chatd/v1/delivery_service.ts";
import { type Callback, ServerFrame } from "../../src/gen/chatd/v1/session.ts";
import { CallbackListener } from "../../src/grpc/callback_listener.ts";
import { GrpcTransport } from "../../src/grpc/client_transport.ts";
import { callbackDialler } from "../../src/grpc/dial_callback.ts";
import { createThrowawayCertificate } from "../../src/grpc/throwaway_certificate.ts";
import { startTestGrpcServer } from "../support/grpc_server.ts";
import { LinkClient } from "../support/link_client.ts";
import { until } from "../support/turns.ts";

const host = "127.0.0.1";
const secret = new Uint8Array(32);

function dial(callback: Callback, signal: AbortSignal = AbortSignal.any([])) {
  return callbackDialler()(host)(callback, { signal });
}

/** Takes connections, and says nothing. */
function listenSilently() {
  const listener = Deno.listen({ hostname: host, port: 0 });
  const accepted: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) accepted.push(connection);
  })();
  return {
    port: listener.addr.port,
    accepted,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      for (const connection of accepted) connection.close();
    },
  };
}

async function isClosed(connection: Deno.Conn): Promise<boolean> {
  const bytes = new Uint8Array(4096);
  try {
    for (;;) if (await connection.read(bytes) === null) return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return true;
    throw error;
  }
}

/** A DeliveryService that answers each call with so many bytes. */
async function listenAnswering({ responseBytes }: { responseBytes: number }) {
  const certificate = await createThrowawayCertificate();
  const server = new Server();
  const deliver = { ...DeliveryServiceService.deliver, responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes) };
  server.addService({ deliver }, {
    deliver: (_call: unknown, done: (error: null, response: Uint8Array) => void) =>
      done(null, new Uint8Array(responseBytes)),
  } as unknown as UntypedServiceImplementation);
  const pem = Buffer.from(certificate.pem);
  const tls = ServerCredentials.createSsl(pem, [{ cert_chain: pem, private_key: Buffer.from(certificate.keyPem) }]);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host}:0`, tls, (error, port) => error === null ? resolve(port) : reject(error))
  );
  return {
    callback: { port, certificate: certificate.der, secret },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      server.forceShutdown();
      await closed;
    },
  };
}

Deno.test("a dial to a listener that says nothing leaves no connection open when it is given up", async () => {
  await using silent = listenSilently();
  const { der } = await createThrowawayCertificate();
  const tooLate = new AbortController();
  const dialled = dial({ port: silent.port, certificate: der, secret }, tooLate.signal);
  await until(() => silent.accepted.length === 1);
  tooLate.abort();
  await assert.rejects(dialled, { code: "unavailable" });
  assert.equal(await isClosed(silent.accepted[0]), true);
});

Deno.test("a dial that came too late dials nobody", async () => {
  await using silent = listenSilently();
  const { der } = await createThrowawayCertificate();
  await assert.rejects(dial({ port: silent.port, certificate: der, secret }, AbortSignal.abort()));
  assert.equal(silent.accepted.length, 0);
});

Deno.test("what is no certificate in DER is refused before anybody is dialled", async () => {
  await using silent = listenSilently();
  const { pem } = await createThrowawayCertificate();
  const words = new TextEncoder();
  for (const garbage of [new Uint8Array(), words.encode("garbage"), words.encode(pem), new Uint8Array(8192).fill(48)]) {
    await assert.rejects(dial({ port: silent.port, certificate: garbage, secret }), { code: "invalid_argument" });
  }
  assert.equal(silent.accepted.length, 0);
});

Deno.test("frames arrive, and only the certificate that was named is trusted with them", async () => {
  const listener = await CallbackListener.open({ host });
  const other = await CallbackListener.open({ host });
  try {
    const frames: ServerFrame[] = [];
    listener.serve((frame) => {
      frames.push(frame);
      return Promise.resolve();
    });
    const { signal } = new AbortController();
    await assert.rejects(dial({ ...listener.callback, certificate: other.callback.certificate }), {
      code: "unavailable",
    });
    await assert.rejects(dial({ ...listener.callback, secret }), { code: "unavailable" });
    assert.deepEqual(frames, []);
    const channel = await dial(listener.callback);
    for (const through of [1, 2]) {
      const receipt = 0xffff_fff0 + through;
      const frame = ServerFrame.encode({ items: [], through, receipt }).finish();
      assert.equal(await channel.deliver(frame, { signal }), receipt);
    }
    assert.deepEqual(frames.map(({ through, receipt }) => [through, receipt]), [[0, 0], [1, 0], [2, 0]]);
    channel.close();
    await assert.rejects(channel.deliver(new Uint8Array(), { signal }), { code: "unavailable" });
  } finally {
    await Promise.all([listener.close(), other.close()]);
  }
});

Deno.test("a call that nobody answers can be given up", async () => {
  const listener = await CallbackListener.open({ host });
  try {
    let calls = 0;
    listener.serve(() => calls++ === 0 ? Promise.resolve() : new Promise(() => {}));
    const channel = await dial(listener.callback);
    const tooLate = new AbortController();
    const delivered = channel.deliver(new Uint8Array(), { signal: tooLate.signal });
    await until(() => calls === 2);
    tooLate.abort();
    await assert.rejects(delivered, { code: "unavailable" });
    channel.close();
  } finally {
    await listener.close();
  }
});

Deno.test("a channel fails at once when its client goes away", async () => {
  const listener = await CallbackListener.open({ host });
  const { signal } = new AbortController();
  let calls = 0;
  listener.serve(() => calls++ === 0 ? Promise.resolve() : new Promise(() => {}));
  const channel = await dial(listener.callback);
  const delivered = channel.deliver(new Uint8Array(), { signal });
  await until(() => calls === 2);
  await Promise.all([assert.rejects(delivered, { code: "unavailable" }), listener.close()]);
  await assert.rejects(channel.deliver(new Uint8Array(), { signal }), { code: "unavailable" });
  channel.close();
});

Deno.test("no more than 1 KiB of an answer is read", async () => {
  {
    await using small = await listenAnswering({ responseBytes: 500 });
    (await dial(small.callback)).close();
  }
  await using large = await listenAnswering({ responseBytes: 4_000_000 });
  await assert.rejects(dial(large.callback), { code: "unavailable", message: /too long/ });
});

Deno.test("a server that is told so dials nobody, and says that messages come over the stream", async () => {
  await using silent = listenSilently();
  await using test = await startTestGrpcServer({ callback: false });
  const transport = new GrpcTransport({ host, port: test.server.port, callback: false });
  const { credentials } = await transport.register(
    { user: "ana", password: "correct horse", invite: "", deviceName: "" },
    {},
  );
  const { der } = await createThrowawayCertificate();
  const client = await LinkClient.open(transport, credentials!.token, {
    callback: { port: silent.port, certificate: der, secret },
  });
  const changes = () =>
    client.frames.flatMap(({ items }) => items).filter(({ kind }) => kind?.$case === "deliveryChanged");
  await until(() => changes().length === 1);
  assert.match(JSON.stringify(changes()), /does not call back/);
  assert.equal(silent.accepted.length, 0);
  await client.close();
});
