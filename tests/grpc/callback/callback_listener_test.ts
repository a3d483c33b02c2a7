import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTls } from "node:tls";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { type Callback, DeliverResponse, ServerFrame } from "../../../src/gen/chatd/v1/session.ts";
import { CallbackListener, strangerLimits } from "../../../src/grpc/callback/callback_listener.ts";
import { deliverPath, listenerName, secretKey } from "../../../src/grpc/callback/callback_protocol.ts";
import { callbackDialler } from "../../../src/grpc/callback/dial_callback.ts";
import { toPem } from "../../../src/grpc/callback/throwaway_certificate.ts";
import { maxFrameBytes } from "../../../src/wire/limits.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";

const host = "127.0.0.1";
const forever = new AbortController().signal;

/** A listener that takes every frame, and is closed at the end of its scope. */
async function listen({ limits = strangerLimits } = {}) {
  const faults: unknown[] = [];
  const frames: ServerFrame[] = [];
  const listener = await CallbackListener.open({ host, limits, onFault: (error) => faults.push(error) });
  listener.serve((frame) => {
    frames.push(frame);
    return Promise.resolve();
  });
  return {
    listener,
    frames,
    callback: listener.callback,
    async [Symbol.asyncDispose]() {
      await listener.close();
      assert.deepEqual(faults, []);
    },
  };
}

interface CallOptions {
  secret?: Uint8Array;
  path?: string;
  bytes?: Uint8Array;
}

/** A client of grpc-js. */
function openClient({ port, certificate }: Callback): Client {
  return new Client(
    `${host}:${port}`,
    credentials.createSsl(Buffer.from(toPem("CERTIFICATE", certificate))),
    { "grpc.ssl_target_name_override": listenerName, "grpc.use_local_subchannel_pool": 1, "grpc.enable_retries": 0 },
  );
}

function callOver(client: Client, { secret, path = deliverPath, bytes = new Uint8Array() }: CallOptions) {
  const metadata = new Metadata();
  if (secret !== undefined) metadata.set(secretKey, Buffer.from(secret));
  return new Promise<{ error: ServiceError | null; response: DeliverResponse | undefined }>((resolve) =>
    client.makeUnaryRequest(
      path,
      (sent: Uint8Array) => Buffer.from(sent),
      (received) => DeliverResponse.decode(received),
      bytes,
      metadata,
      (error, response) => resolve({ error, response }),
    )
  );
}

/** Calls with a client of grpc-js. @returns the status of the answer. */
async function call(callback: Callback, options: CallOptions): Promise<status> {
  const client = openClient(callback);
  const { error } = await callOver(client, options);
  client.close();
  return error?.code ?? status.OK;
}

/** Dials as a server does, without grpc-js, which would leave the timer of its next attempt behind. */
async function isDialled(callback: Callback): Promise<boolean> {
  try {
    const channel = await callbackDialler()(host)(callback, { signal: AbortSignal.timeout(500) });
    channel.close();
    return true;
  } catch {
    return false;
  }
}

/** Whether the other side closes the connection. */
async function isClosed(connection: Deno.Conn): Promise<boolean> {
  try {
    return await connection.read(new Uint8Array(1)) === null;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return true;
    throw error;
  }
}

/** A frame of about so many octets. */
function encodeFrame({ receipt, textBytes }: { receipt: number; textBytes: number }): Uint8Array {
  const kind = { $case: "deliveryChanged", value: { mode: 0, reason: "x".repeat(textBytes) } } as const;
  return ServerFrame.encode({ items: [{ kind }], through: 5, receipt }).finish();
}

Deno.test("grpc-js delivers frames up to the longest, many over one connection, and gets their receipts", async () => {
  await using test = await listen();
  const { secret } = test.callback;
  const client = openClient(test.callback);
  for (const [index, textBytes] of [0, 10, 40_000, 65_400, 65_400, 65_400].entries()) {
    const receipt = 0xffff_fff0 + index;
    const bytes = encodeFrame({ receipt, textBytes });
    assert.ok(bytes.length <= maxFrameBytes);
    assert.deepEqual(await callOver(client, { secret, bytes }), { error: null, response: { receipt } });
  }
  client.close();
  const lengths = test.frames.map(({ items: [{ kind }] }) =>
    kind?.$case === "deliveryChanged" ? kind.value.reason.length : -1
  );
  assert.deepEqual(lengths, [0, 10, 40_000, 65_400, 65_400, 65_400]);
  assert.ok(test.frames.every(({ through, receipt }) => through === 5 && receipt === 0));
});

Deno.test("a server of an older version, which calls with node:http2, delivers frames", async () => {
  await using test = await listen();
  const { port, certificate, secret } = test.callback;
  const socket = connectTls({
    host,
    port,
    ALPNProtocols: ["h2"],
    ca: toPem("CERTIFICATE", certificate),
    servername: listenerName,
  });
  await new Promise<void>((resolve) => socket.once("secureConnect", resolve));
  const session = connectHttp2(`https://${listenerName}`, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: 1024 },
  });
  for (const receipt of [1, 2, 3]) {
    const stream = session.request({
      ":method": "POST",
      ":path": deliverPath,
      "content-type": "application/grpc",
      te: "trailers",
      [secretKey]: Buffer.from(secret).toString("base64"),
    });
    const chunks: Uint8Array[] = [];
    let said: unknown;
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    stream.on("trailers", (headers) => said = headers["grpc-status"]);
    const frame = encodeFrame({ receipt, textBytes: 65_400 });
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(frame.length, 1);
    stream.end(Buffer.concat([prefix, frame]));
    await new Promise<void>((resolve) => stream.once("close", resolve));
    assert.deepEqual([said, DeliverResponse.decode(Buffer.concat(chunks).subarray(5))], ["0", { receipt }]);
  }
  assert.equal(test.frames.length, 3);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  session.destroy();
  socket.destroy();
  await closed;
});

Deno.test("a caller without the secret is refused whatever it sends, and closed", async () => {
  await using test = await listen();
  const { secret } = test.callback;
  const wrong = new Uint8Array(32);
  for (const shown of [undefined, wrong, secret.subarray(1), new Uint8Array()]) {
    assert.equal(await call(test.callback, { secret: shown }), status.UNAUTHENTICATED);
  }
  const bytes = new Uint8Array(1_000_000);
  assert.equal(await call(test.callback, { secret: wrong, bytes }), status.UNAUTHENTICATED);
  assert.equal(await call(test.callback, { secret: wrong, path: "/a.B/C" }), status.UNAUTHENTICATED);
  assert.deepEqual(test.frames, []);
});

Deno.test("a server that has the secret hears what is wrong with its call, and goes on", async () => {
  await using test = await listen();
  const { secret } = test.callback;
  const client = openClient(test.callback);
  const cases: [CallOptions, status][] = [
    [{ bytes: new Uint8Array(maxFrameBytes + 1) }, status.RESOURCE_EXHAUSTED],
    [{ bytes: Buffer.from("not a frame") }, status.INVALID_ARGUMENT],
    [{ bytes: Buffer.of(0x0a, 0xff) }, status.INVALID_ARGUMENT],
    [{ path: "/chatd.v1.ChatService/Connect" }, status.UNIMPLEMENTED],
    [{ path: "/" }, status.UNIMPLEMENTED],
    [{}, status.OK],
  ];
  for (const [options, code] of cases) {
    const { error } = await callOver(client, { secret, ...options });
    assert.equal(error?.code ?? status.OK, code, JSON.stringify(options).slice(0, 100));
  }
  client.close();
  assert.equal(test.frames.length, 1);
});

Deno.test("a call before the session takes frames, and one after its end, are refused", async () => {
  const listener = await CallbackListener.open({ host });
  try {
    const { secret } = listener.callback;
    assert.equal(await call(listener.callback, { secret }), status.UNAVAILABLE);
    listener.serve(() => Promise.reject(new Error("the link is closed")));
    assert.equal(await call(listener.callback, { secret }), status.UNAVAILABLE);
  } finally {
    await listener.close();
  }
});

Deno.test("a listener that closes breaks off the calls that it has", async () => {
  const listener = await CallbackListener.open({ host });
  let calls = 0;
  listener.serve(() => {
    calls++;
    return new Promise(() => {});
  });
  const called = call(listener.callback, { secret: listener.callback.secret });
  await eventually(() => calls === 1);
  await listener.close();
  assert.equal(await called, status.UNAVAILABLE);
});

Deno.test("a fifth connection with the secret is refused", async () => {
  await using test = await listen();
  const { secret } = test.callback;
  const clients = Array.from({ length: 4 }, () => openClient(test.callback));
  for (const client of clients) assert.equal((await callOver(client, { secret })).error, null);
  assert.equal(await call(test.callback, { secret }), status.RESOURCE_EXHAUSTED);
  clients.pop()!.close();
  await eventually(async () => await call(test.callback, { secret }) === status.OK);
  for (const client of clients) assert.equal((await callOver(client, { secret })).error, null);
  for (const client of clients) client.close();
});

Deno.test("an address has 4 connections to the client's listener without its secret", async () => {
  const listener = await CallbackListener.open({ host });
  const connect = () => Deno.connect({ hostname: host, port: listener.callback.port });
  const strangers: Deno.Conn[] = [];
  try {
    for (let count = 0; count < 5; count++) strangers.push(await connect());
    assert.equal(await isClosed(strangers[4]), true);
  } finally {
    await listener.close();
  }
  for (const stranger of strangers) stranger.close();
});

Deno.test("all addresses together have so many connections without the secret, until they leave", async () => {
  await using test = await listen({ limits: { ...strangerLimits, strangers: 2, secretDeadlineMs: 600_000 } });
  const connect = () => Deno.connect({ hostname: host, port: test.callback.port });
  using _first = await connect();
  const second = await connect();
  {
    using third = await connect();
    assert.equal(await isClosed(third), true);
  }
  second.close();
  // The place is free again, and the server has it no longer than until it shows the secret.
  for (let count = 0; count < 3; count++) await eventually(() => isDialled(test.callback));
});

Deno.test("who does not show the secret soon is closed, and the server stays", async () => {
  using time = new FakeTime();
  await using test = await listen();
  const channel = await callbackDialler()(host)(test.callback, { signal: forever });
  const { port, certificate } = test.callback;
  using silent = await Deno.connect({ hostname: host, port });
  using secured = await Deno.connectTls({
    hostname: host,
    port,
    alpnProtocols: ["h2"],
    caCerts: [toPem("CERTIFICATE", certificate)],
    unsafelyDisableHostnameVerification: true,
  });
  await secured.handshake();
  const closed = [false, false];
  void isClosed(silent).then(() => closed[0] = true);
  void drained(secured).then(() => closed[1] = true);
  await eventually(async () => {
    await time.tick(strangerLimits.secretDeadlineMs);
    return closed.every(Boolean);
  });
  await channel.deliver(new Uint8Array(), { signal: forever });
  channel.close();
});

/** Reads until the other side closes the connection. */
async function drained(connection: Deno.Conn): Promise<void> {
  const bytes = new Uint8Array(4096);
  while (await connection.read(bytes).catch(() => null) !== null);
}

Deno.test("strangers who speak another protocol are closed", async () => {
  await using test = await listen();
  const { port, certificate } = test.callback;
  {
    using plain = await Deno.connect({ hostname: host, port });
    await plain.write(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    await drained(plain);
  }
  using old = await Deno.connectTls({
    hostname: host,
    port,
    caCerts: [toPem("CERTIFICATE", certificate)],
    unsafelyDisableHostnameVerification: true,
  });
  await drained(old);
  assert.equal(await call(test.callback, { secret: test.callback.secret }), status.OK);
});
