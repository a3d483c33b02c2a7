import assert from "node:assert/strict";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { DeliveryServiceService } from "../../src/gen/chatd/v1/delivery_service.ts";
import { CallbackListener } from "../../src/grpc/callback_listener.ts";
import { listenerName, secretKey } from "../../src/grpc/callback_protocol.ts";
import { callbackDialler } from "../../src/grpc/dial_callback.ts";
import { eventually } from "../support/eventually.ts";
import { FakeTime } from "../support/fake_time.ts";
import { toPem } from "../../src/grpc/throwaway_certificate.ts";

const host = "127.0.0.1";

/** Whether the other side closes the connection. */
async function isClosed(connection: Deno.Conn): Promise<boolean> {
  try {
    return await connection.read(new Uint8Array(1)) === null;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return true;
    throw error;
  }
}

/** Calls the listener with so many bytes. @returns the status of its answer. */
async function call(
  { port, certificate }: CallbackListener["callback"],
  { secret, bytes }: { secret: Uint8Array; bytes: number },
): Promise<status> {
  const metadata = new Metadata();
  metadata.set(secretKey, Buffer.from(secret));
  const client = new Client(
    `${host}:${port}`,
    credentials.createSsl(Buffer.from(toPem("CERTIFICATE", certificate))),
    { "grpc.ssl_target_name_override": listenerName, "grpc.use_local_subchannel_pool": 1, "grpc.enable_retries": 0 },
  );
  const { path } = DeliveryServiceService.deliver;
  const serialize = (frame: Buffer) => frame;
  const error = await new Promise<ServiceError | null>((resolve) =>
    client.makeUnaryRequest(path, serialize, () => undefined, Buffer.alloc(bytes), metadata, resolve)
  );
  client.close();
  return error?.code ?? status.OK;
}

Deno.test("nobody can make the client hold more than a frame", async () => {
  const listener = await CallbackListener.open({ host });
  try {
    const { secret } = listener.callback;
    const bytes = 64 * 1024 + 1;
    assert.equal(await call(listener.callback, { secret: new Uint8Array(32), bytes: 0 }), status.UNAUTHENTICATED);
    assert.equal(await call(listener.callback, { secret: new Uint8Array(32), bytes }), status.UNAUTHENTICATED);
    assert.equal(await call(listener.callback, { secret, bytes }), status.RESOURCE_EXHAUSTED);
  } finally {
    await listener.close();
  }
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

Deno.test("who does not show the secret soon is closed, and the server stays", async () => {
  using time = new FakeTime();
  const limits = { secretDeadlineMs: 5_000, strangersPerAddress: 4, strangers: 16, trusted: 4 };
  const listener = await CallbackListener.open({ host, limits });
  listener.serve(() => Promise.resolve());
  const { signal } = new AbortController();
  const channel = await callbackDialler()(host)(listener.callback, { signal });
  using stranger = await Deno.connect({ hostname: host, port: listener.callback.port });
  try {
    let closed = false;
    void isClosed(stranger).then(() => closed = true);
    await eventually(async () => {
      await time.tick(limits.secretDeadlineMs);
      return closed;
    });
    await channel.deliver(new Uint8Array(), { signal });
  } finally {
    channel.close();
    await listener.close();
  }
});
