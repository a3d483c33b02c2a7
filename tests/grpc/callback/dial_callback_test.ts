import assert from "node:assert/strict";
import type { ChatError } from "../../../src/core/chat_error.ts";
import { type Callback, ServerFrame } from "../../../src/gen/chatd/v1/session.ts";
import { CallbackListener } from "../../../src/grpc/callback/callback_listener.ts";
import { callbackDialler } from "../../../src/grpc/callback/dial_callback.ts";
import { DialSlots } from "../../../src/grpc/callback/dial_slots.ts";
import { createThrowawayCertificate } from "../../../src/grpc/callback/throwaway_certificate.ts";
import { GrpcTransport } from "../../../src/grpc/client/client_transport.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";
import { LinkClient } from "../../support/servers/link_client.ts";
import { turns, until } from "../../support/waiting/turns.ts";
import { host, listenHostile } from "./hostile_listener.ts";
import { answersThenFloods, hostilePorts } from "./hostile_ports.ts";

const secret = new Uint8Array(32);
const forever = new AbortController().signal;

function dial(callback: Callback, signal: AbortSignal = forever, slots?: DialSlots) {
  return callbackDialler({ slots, log: faultless })(host)(callback, { signal });
}

/** Fails on an error of the program itself. */
const faultless = {
  info() {},
  warn() {},
  error: (event: string, details?: Record<string, unknown>) => {
    throw new Error(event, { cause: details?.error });
  },
};

async function namedBy(listener: { port: number }): Promise<Callback> {
  const { der } = await createThrowawayCertificate();
  return { port: listener.port, certificate: der, secret };
}

/** Waits for the dial to fail, which must not happen before its signal aborts. @returns the failure */
async function failureOf(callback: Callback, isOver: () => Promise<unknown>): Promise<ChatError> {
  const deadline = new AbortController();
  let isSettled = false;
  const dialled = dial(callback, deadline.signal).finally(() => isSettled = true);
  dialled.catch(() => {});
  await isOver();
  await turns(3);
  assert.equal(isSettled, false, "the dial was settled before its deadline");
  deadline.abort();
  return await dialled.then((channel) => {
    channel.close();
    assert.fail("the dial succeeded");
  }, (error) => error);
}

const failure = { code: "unavailable", message: "Cannot call the client back." };

for (const { name, givesUp, isStranger = false, ...options } of hostilePorts) {
  Deno.test(`a dial to a port that ${name} fails at its deadline and leaves nothing open`, async () => {
    await using listener = await listenHostile(options);
    const { code, message } = await failureOf({ port: listener.port, certificate: listener.der, secret }, async () => {
      await until(() => listener.connections === 1);
      if (givesUp) await until(() => listener.closed === 1);
      else if (!isStranger) await until(() => listener.applicationBytes > 0);
    });
    assert.deepEqual({ code, message }, failure);
    await until(() => listener.closed === 1);
    if (isStranger) assert.equal(listener.applicationBytes, 0);
  });
}

Deno.test("a dial to a closed port fails at its deadline", async () => {
  const listener = Deno.listen({ hostname: host, port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { code, message } = await failureOf(await namedBy({ port }), async () => {
    for (let count = 0; count < 3; count++) await assert.rejects(Deno.connect({ hostname: host, port }));
    await turns(20);
  });
  assert.deepEqual({ code, message }, failure);
});

Deno.test("a failed dial keeps its slot until its deadline, so that others cannot tell when it failed", async () => {
  const slots = new DialSlots({ perAddress: 1, inAll: 1 });
  const listener = await CallbackListener.open({ host });
  listener.serve(() => Promise.resolve());
  try {
    const events: string[] = [];
    const deadline = new AbortController();
    await using closing = await listenHostile({ plain: (socket) => socket.end() });
    const callback = { port: closing.port, certificate: closing.der, secret };
    const failing = dial(callback, deadline.signal, slots).catch(() => events.push("the first failed"));
    const dialled = dial(listener.callback, forever, slots).then((channel) => {
      events.push("the second succeeded");
      channel.close();
    });
    await until(() => closing.closed === 1);
    await turns(20);
    assert.deepEqual(events, []);
    deadline.abort();
    await Promise.all([failing, dialled]);
    assert.deepEqual(events, ["the first failed", "the second succeeded"]);
  } finally {
    await listener.close();
  }
});

Deno.test("a dial after its deadline connects to nothing", async () => {
  await using silent = await listenHostile({ plain: () => {} });
  await assert.rejects(dial(await namedBy(silent), AbortSignal.abort()), failure);
  assert.equal(silent.connections, 0);
});

Deno.test("a malformed certificate is refused before dialling", async () => {
  await using silent = await listenHostile({ plain: () => {} });
  const { pem } = await createThrowawayCertificate();
  const words = new TextEncoder();
  for (const garbage of [new Uint8Array(), words.encode("garbage"), words.encode(pem), new Uint8Array(8192).fill(48)]) {
    await assert.rejects(dial({ port: silent.port, certificate: garbage, secret }), { code: "invalid_argument" });
  }
  assert.equal(silent.connections, 0);
});

Deno.test("frames arrive, and only the named certificate is trusted with them", async () => {
  const listener = await CallbackListener.open({ host });
  const other = await CallbackListener.open({ host });
  try {
    const frames: ServerFrame[] = [];
    listener.serve((frame) => {
      frames.push(frame);
      return Promise.resolve();
    });
    const { certificate } = other.callback;
    await assert.rejects(dial({ ...listener.callback, certificate }, AbortSignal.timeout(500)), failure);
    await assert.rejects(dial({ ...listener.callback, secret }, AbortSignal.timeout(500)), failure);
    assert.deepEqual(frames, []);
    const channel = await dial(listener.callback);
    for (const through of [1, 2]) {
      const receipt = 0xffff_fff0 + through;
      const frame = ServerFrame.encode({ items: [], through, receipt }).finish();
      assert.equal(await channel.deliver(frame, { signal: forever }), receipt);
    }
    assert.deepEqual(frames.map(({ through, receipt }) => [through, receipt]), [[0, 0], [1, 0], [2, 0]]);
    channel.close();
    await assert.rejects(channel.deliver(new Uint8Array(), { signal: forever }), { code: "unavailable" });
  } finally {
    await Promise.all([listener.close(), other.close()]);
  }
});

Deno.test("an unanswered call can be cancelled", async () => {
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

Deno.test("a channel fails at once when its client disconnects", async () => {
  const listener = await CallbackListener.open({ host });
  let calls = 0;
  listener.serve(() => calls++ === 0 ? Promise.resolve() : new Promise(() => {}));
  const channel = await dial(listener.callback);
  const delivered = channel.deliver(new Uint8Array(), { signal: forever });
  await until(() => calls === 2);
  await Promise.all([assert.rejects(delivered, { code: "unavailable" }), listener.close()]);
  await assert.rejects(channel.deliver(new Uint8Array(), { signal: forever }), { code: "unavailable" });
  channel.close();
});

Deno.test("a client that sends endless headers between two calls is closed", async () => {
  await using listener = await listenHostile(answersThenFloods);
  const channel = await dial({ port: listener.port, certificate: listener.der, secret });
  await until(() => listener.closed === 1);
  await assert.rejects(channel.deliver(new Uint8Array(), { signal: forever }), { code: "unavailable" });
});

Deno.test("a server with callbacks disabled dials nothing, and reports that messages come over the stream", async () => {
  await using silent = await listenHostile({ plain: () => {} });
  await using test = await startTestGrpcServer({ callback: false });
  const transport = new GrpcTransport({ host, port: test.server.port, callback: false });
  const { credentials } = await transport.register(
    { user: "ana", password: "correct horse", invite: "", deviceName: "" },
    {},
  );
  const client = await LinkClient.open(transport, credentials!.token, { callback: await namedBy(silent) });
  const changes = () =>
    client.frames.flatMap(({ items }) => items).filter(({ kind }) => kind?.$case === "deliveryChanged");
  await until(() => changes().length === 1);
  assert.match(JSON.stringify(changes()), /makes no callbacks/);
  assert.equal(silent.connections, 0);
  await client.close();
});
