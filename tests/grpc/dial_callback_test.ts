import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import type { ChatError } from "../../src/core/chat_error.ts";
import { type Callback, DeliverResponse, ServerFrame } from "../../src/gen/chatd/v1/session.ts";
import { CallbackListener } from "../../src/grpc/callback_listener.ts";
import { GrpcTransport } from "../../src/grpc/client_transport.ts";
import { callbackDialler } from "../../src/grpc/dial_callback.ts";
import { DialSlots } from "../../src/grpc/dial_slots.ts";
import { encodeHeaders } from "../../src/grpc/http2/header_encoder.ts";
import { createThrowawayCertificate } from "../../src/grpc/throwaway_certificate.ts";
import {
  data,
  Flag,
  frame,
  FrameType,
  goaway,
  grpcMessage,
  headers,
  ping,
  rstStream,
  settings,
  uint32,
} from "../crash/http2_frames.ts";
import { startTestGrpcServer } from "../support/grpc_server.ts";
import { LinkClient } from "../support/link_client.ts";
import { turns, until } from "../support/turns.ts";
import { host, type HostileOptions, listenHostile } from "./hostile_listener.ts";
import { signedByNamed } from "./signed_certificate.ts";

const secret = new Uint8Array(32);
const forever = new AbortController().signal;

function dial(callback: Callback, signal: AbortSignal = forever, slots?: DialSlots) {
  return callbackDialler({ slots, log: faultless })(host)(callback, { signal });
}

/** Takes no error of the program itself. */
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

const responseHead = headers(1, encodeHeaders([[":status", "200"], ["content-type", "application/grpc"]]));
const end = (...fields: [string, string][]) => headers(1, encodeHeaders(fields), Flag.endHeaders | Flag.endStream);
const trailers = end(["grpc-status", "0"]);
const message = (bytes: Uint8Array) => data(1, grpcMessage(bytes));
const says = (...frames: Uint8Array[]): HostileOptions => ({
  serve: (socket) => void socket.write(Buffer.concat([settings(), ...frames])),
});

/** Writes the same without end. */
function flood(
  socket: { write(bytes: Uint8Array): boolean; on(event: "drain", act: () => void): void },
  bytes: Uint8Array,
) {
  const fill = () => {
    while (socket.write(bytes));
  };
  socket.on("drain", fill);
  fill();
}

const floods = (start: Uint8Array, bytes: Uint8Array): HostileOptions => ({
  serve: (socket) => {
    socket.write(start);
    flood(socket, bytes);
  },
});

interface Hostile extends HostileOptions {
  readonly name: string;
  /** The dialler gives up by itself, before its deadline. */
  readonly givesUp: boolean;
  /** Whether the certificate is not the one that was named. */
  readonly isStranger?: boolean;
}

const megabyte = new Uint8Array(1_000_000);
const block = encodeHeaders([["x", "y".repeat(9_000)]]);

const hostile: Hostile[] = [
  { name: "says nothing", plain: () => {}, givesUp: false, isStranger: true },
  { name: "closes at once", plain: (socket) => socket.end(), givesUp: true, isStranger: true },
  { name: "resets at once", plain: (socket) => socket.resetAndDestroy(), givesUp: true, isStranger: true },
  {
    name: "speaks plain text",
    plain: (socket) => void socket.write("220 mail ready\r\n"),
    givesUp: true,
    isStranger: true,
  },
  {
    name: "sends megabytes of plain text",
    plain: (socket) => flood(socket, megabyte),
    givesUp: true,
    isStranger: true,
  },
  { name: "has another certificate", shown: createThrowawayCertificate, givesUp: true, isStranger: true },
  { name: "has a certificate that the named one signed", shown: signedByNamed, givesUp: true, isStranger: true },
  { name: "speaks HTTP/1.1 over TLS", ALPNProtocols: ["http/1.1"], givesUp: true, isStranger: true },
  { name: "does not answer", ...says(), givesUp: false },
  { name: "answers in part", ...says(responseHead, message(new Uint8Array()).subarray(0, 11)), givesUp: false },
  { name: "lets nothing be sent", ...says(settings([[4, 0]])), givesUp: false },
  { name: "is no HTTP/2", serve: (socket) => void socket.write("HTTP/1.1 200 OK\r\n\r\n"), givesUp: true },
  { name: "sends megabytes before SETTINGS", ...floods(new Uint8Array(), megabyte), givesUp: true },
  { name: "sends megabytes of DATA", ...floods(settings(), data(1, new Uint8Array(16_384))), givesUp: true },
  {
    name: "sends messages without end",
    ...floods(Buffer.concat([settings(), responseHead]), message(new Uint8Array(10))),
    givesUp: true,
  },
  {
    name: "sends empty DATA without end",
    ...floods(Buffer.concat([settings(), responseHead]), data(1, new Uint8Array())),
    givesUp: true,
  },
  {
    name: "sends a header block without end",
    ...floods(
      Buffer.concat([settings(), headers(1, block, 0)]),
      frame(FrameType.continuation, { stream: 1, payload: new Uint8Array(100) }),
    ),
    givesUp: true,
  },
  { name: "sends header blocks without end", ...floods(settings(), headers(1, block)), givesUp: true },
  {
    name: "sends interim responses without end",
    ...floods(settings(), headers(1, encodeHeaders([[":status", "103"]]))),
    givesUp: true,
  },
  { name: "sends PING without end", ...floods(settings(), ping()), givesUp: true },
  { name: "sends SETTINGS without end", ...floods(settings(), settings([[4, 1]])), givesUp: true },
  { name: "sends RST_STREAM without end", ...floods(settings(), rstStream(1)), givesUp: true },
  {
    name: "sends WINDOW_UPDATE without end",
    ...floods(settings(), frame(FrameType.windowUpdate, { payload: uint32(1) })),
    givesUp: true,
  },
  {
    name: "sends frames of a new type without end",
    ...floods(settings(), frame(0xbe, { payload: new Uint8Array(100) })),
    givesUp: true,
  },
  { name: "sends GOAWAY", ...says(goaway(0)), givesUp: true },
  { name: "sends GOAWAY for the next call and does not answer", ...says(goaway(1)), givesUp: false },
  { name: "sends RST_STREAM", ...says(rstStream(1)), givesUp: true },
  {
    name: "sends PUSH_PROMISE",
    ...says(frame(FrameType.pushPromise, { stream: 1, flags: 4, payload: uint32(2) })),
    givesUp: true,
  },
  { name: "resets within the answer", ...says(responseHead, message(new Uint8Array()), rstStream(1)), givesUp: true },
  {
    name: "closes within the answer",
    serve: (socket) => void socket.end(Buffer.concat([settings(), responseHead])),
    givesUp: true,
  },
  {
    name: "cuts the connection within the answer",
    serve: (socket) => socket.write(responseHead.subarray(0, 12), () => socket.destroy()),
    givesUp: true,
  },
  { name: "refuses the call", ...says(end([":status", "200"], ["grpc-status", "16"])), givesUp: true },
  {
    name: "answers with a status that is none",
    ...says(responseHead, message(new Uint8Array()), end(["grpc-status", "00"])),
    givesUp: true,
  },
  {
    name: "answers without a status",
    ...says(responseHead, data(1, grpcMessage(new Uint8Array()), true)),
    givesUp: true,
  },
  { name: "answers with HTTP 404", ...says(end([":status", "404"])), givesUp: true },
  {
    name: "answers with more than 1 KiB",
    ...says(responseHead, message(new Uint8Array(1_025)), trailers),
    givesUp: true,
  },
  {
    name: "answers with what is no response",
    ...says(responseHead, message(Buffer.of(0xff)), trailers),
    givesUp: true,
  },
  {
    name: "answers twice",
    ...says(responseHead, message(new Uint8Array()), message(new Uint8Array()), trailers),
    givesUp: true,
  },
];

/** @returns how the dial failed; it does not settle before its signal aborts. */
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

const failure = { code: "unavailable", message: "The client cannot be called back." };

for (const { name, givesUp, isStranger = false, ...options } of hostile) {
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

Deno.test("a dial that failed keeps its place until its deadline, so that others cannot tell when it failed", async () => {
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

Deno.test("a dial that came too late dials nobody", async () => {
  await using silent = await listenHostile({ plain: () => {} });
  await assert.rejects(dial(await namedBy(silent), AbortSignal.abort()), failure);
  assert.equal(silent.connections, 0);
});

Deno.test("what is no certificate in DER is refused before anybody is dialled", async () => {
  await using silent = await listenHostile({ plain: () => {} });
  const { pem } = await createThrowawayCertificate();
  const words = new TextEncoder();
  for (const garbage of [new Uint8Array(), words.encode("garbage"), words.encode(pem), new Uint8Array(8192).fill(48)]) {
    await assert.rejects(dial({ port: silent.port, certificate: garbage, secret }), { code: "invalid_argument" });
  }
  assert.equal(silent.connections, 0);
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
  let calls = 0;
  listener.serve(() => calls++ === 0 ? Promise.resolve() : new Promise(() => {}));
  const channel = await dial(listener.callback);
  const delivered = channel.deliver(new Uint8Array(), { signal: forever });
  await until(() => calls === 2);
  await Promise.all([assert.rejects(delivered, { code: "unavailable" }), listener.close()]);
  await assert.rejects(channel.deliver(new Uint8Array(), { signal: forever }), { code: "unavailable" });
  channel.close();
});

Deno.test("a client that sends headers without end between two calls is closed", async () => {
  const response = grpcMessage(DeliverResponse.encode({ receipt: 7 }).finish());
  await using listener = await listenHostile({
    serve: (socket) => {
      socket.write(Buffer.concat([settings(), responseHead, data(1, response), trailers]));
      flood(socket, trailers);
    },
  });
  const channel = await dial({ port: listener.port, certificate: listener.der, secret });
  await until(() => listener.closed === 1);
  await assert.rejects(channel.deliver(new Uint8Array(), { signal: forever }), { code: "unavailable" });
});

Deno.test("a server that is told so dials nobody, and says that messages come over the stream", async () => {
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
  assert.match(JSON.stringify(changes()), /does not call back/);
  assert.equal(silent.connections, 0);
  await client.close();
});
