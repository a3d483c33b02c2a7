import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { CallError, callUnary } from "../../../src/grpc/http2/client_call.ts";
import { ErrorCode } from "../../../src/grpc/http2/errors.ts";
import { FrameType, readUint32 } from "../../../src/grpc/http2/frames.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import { data, Flag, goaway, grpcMessage, headers, rstStream, settings } from "../../crash/http2_frames.ts";
import { RawPeer } from "./wire.ts";

const maxResponseBytes = 100;
const response = encodeHeaders([[":status", "200"], ["content-type", "application/grpc"]]);
const both = Flag.endHeaders | Flag.endStream;
const status = (...fields: [string, string][]) => headers(1, encodeHeaders(fields), both);
const success = status(["grpc-status", "0"]);
const answer = grpcMessage(Buffer.from("yes"));

/** A call with the test as its server. */
class Call {
  readonly peer = new RawPeer({ role: "client" });
  readonly outcome: Promise<Uint8Array | CallError>;
  /** Undefined until the call ends. */
  settled: Uint8Array | CallError | undefined;

  constructor(
    { message = Buffer.from("please"), signal, deadlineMs }: {
      message?: Uint8Array;
      signal?: AbortSignal;
      deadlineMs?: number;
    } = {},
  ) {
    this.outcome = callUnary(this.peer.connection, {
      path: "/a.B/C",
      scheme: "https",
      authority: "localhost",
      metadata: [["secret-bin", "c2VjcmV0"]],
      message,
      maxResponseBytes,
      signal,
      deadlineMs,
    }).catch((error: CallError) => error);
    void this.outcome.then((settled) => this.settled = settled);
  }

  /** Sends frames. @returns the codes of the client's resets */
  exchange(...frames: Uint8Array[]): number[] {
    return this.peer.exchange(...frames).filter(({ type }) => type === FrameType.rstStream).map(({ payload }) =>
      readUint32(payload, 0)
    );
  }
}

async function assertFails(call: Call, code: number, message: RegExp): Promise<void> {
  const error = await call.outcome;
  assert.ok(error instanceof CallError, `answered with ${error}`);
  assert.equal(error.status.code, code);
  assert.match(error.message, message);
  assert.equal(call.peer.connection.streams, 0);
}

Deno.test("a call sends its request, with metadata that is never indexed", () => {
  const call = new Call();
  const frames = call.peer.exchange();
  const request = frames.find(({ type }) => type === FrameType.headers)!;
  assert.deepEqual(call.peer.fieldsOf(request), {
    ":method": "POST",
    ":scheme": "https",
    ":path": "/a.B/C",
    ":authority": "localhost",
    te: "trailers",
    "content-type": "application/grpc",
    "secret-bin": "c2VjcmV0",
  });
  // A literal that is never indexed, with a new name (RFC 7541, section 6.2.3).
  assert.ok(request.payload.includes(0x10));
  const body = frames.find(({ type }) => type === FrameType.data)!;
  assert.deepEqual(Buffer.from(body.payload), grpcMessage(Buffer.from("please")));
  assert.equal(body.flags, Flag.endStream);
});

Deno.test("a call returns its answer, however the frames are cut", async () => {
  const call = new Call();
  call.exchange(settings(), headers(1, response));
  for (const byte of answer) assert.deepEqual(call.exchange(data(1, Buffer.of(byte))), []);
  assert.equal(call.settled, undefined);
  assert.deepEqual(call.exchange(success), []);
  assert.deepEqual(Buffer.from(await call.outcome as Uint8Array), Buffer.from("yes"));
  assert.equal(call.peer.connection.streams, 0);
});

Deno.test("a call fails with the status of the server", async () => {
  const statuses: [string, number][] = [["1", 1], ["5", 5], ["16", 16]];
  // https://github.com/grpc/grpc/blob/master/doc/statuscodes.md: a code that the client does not know is UNKNOWN.
  statuses.push(["17", 2], ["99", 2], ["00", 2], ["-1", 2], ["1e1", 2], ["0x0", 2], ["ok", 2], ["0,0", 2]);
  for (const [said, code] of statuses) {
    const call = new Call();
    call.exchange(settings(), status([":status", "200"], ["grpc-status", said], ["grpc-message", "not%20here%zz"]));
    await assertFails(call, code, /^not here%zz$/);
  }
});

Deno.test("a long status text of a server is truncated", async () => {
  const call = new Call();
  call.exchange(settings(), status([":status", "200"], ["grpc-status", "5"], ["grpc-message", "x".repeat(5_000)]));
  await assertFails(call, 5, /^x{2000}$/);
});

Deno.test("an answer without a status, without a message or with two is an error", async () => {
  const cases: [string, Uint8Array[], RegExp, number?][] = [
    ["no status", [headers(1, response), data(1, answer, true)], /Connection dropped/],
    ["no message", [headers(1, response), success], /without an answer/],
    ["half a message", [headers(1, response), data(1, answer.subarray(0, 6)), success], /without an answer/],
    ["two messages", [headers(1, response), data(1, answer), data(1, answer)], /more than one/],
    ["two messages in one frame", [headers(1, response), data(1, Buffer.concat([answer, answer]))], /more than one/],
    [
      "too long",
      [headers(1, response), data(1, grpcMessage(Buffer.alloc(maxResponseBytes + 1)))],
      /larger than max/,
      8,
    ],
    ["compressed", [headers(1, response), data(1, Buffer.of(1, 0, 0, 0, 1, 0))], /[Cc]ompressed/, 2],
    ["HTTP without gRPC", [status([":status", "404"])], /HTTP 404/],
  ];
  for (const [name, frames, message, code = 14] of cases) {
    const call = new Call();
    call.exchange(settings(), ...frames);
    await assertFails(call, code, message).catch((error) => assert.fail(`${name}: ${error.message}`));
    assert.equal(call.peer.connection.isClosed, false, name);
  }
});

Deno.test("a call with a useless answer is reset, and the peer cannot continue to send", async () => {
  const call = new Call();
  call.exchange(settings(), headers(1, response));
  assert.deepEqual(call.exchange(data(1, answer), data(1, answer)), [ErrorCode.cancel]);
  await assertFails(call, 14, /more than one/);
});

Deno.test("a call whose answer arrives before the peer took the request is over", async () => {
  const call = new Call({ message: Buffer.alloc(70_000) });
  const sent = call.peer.exchange(settings([[4, 0]]));
  assert.ok(sent.filter(({ type }) => type === FrameType.data).every(({ flags }) => flags === 0));
  assert.deepEqual(call.exchange(status([":status", "200"], ["grpc-status", "8"], ["grpc-message", "too long"])), [
    ErrorCode.cancel,
  ]);
  await assertFails(call, 8, /too long/);
});

Deno.test("a call ends with its stream, its connection and its signal", async () => {
  const stop = new AbortController();
  const endings: [string, (call: Call) => void, RegExp][] = [
    ["RST_STREAM", (call) => void call.exchange(rstStream(1)), /Connection dropped/],
    ["GOAWAY before the stream", (call) => void call.exchange(goaway(0)), /accepts no calls/],
    ["a broken rule", (call) => void call.exchange(data(0, answer)), /Connection dropped/],
    ["the end of the peer", (call) => call.peer.connection.peerEnded(), /Connection dropped/],
    ["the end of the socket", (call) => call.peer.connection.lost(), /Connection dropped/],
    ["the signal", () => stop.abort(), /cancelled/],
  ];
  for (const [name, end, message] of endings) {
    const call = new Call({ signal: stop.signal });
    call.exchange(settings(), headers(1, response), data(1, answer));
    assert.equal(call.settled, undefined, name);
    end(call);
    await assertFails(call, 14, message).catch((error) => assert.fail(`${name}: ${error.message}`));
  }
});

Deno.test("a call tells the server its deadline, and fails after it", async () => {
  const call = new Call({ deadlineMs: 10 });
  const frames = call.peer.exchange(settings());
  const request = frames.find(({ type }) => type === FrameType.headers)!;
  assert.equal(call.peer.fieldsOf(request)["grpc-timeout"], "10m");
  await assertFails(call, 4, /no answer within 0.01 s/);
  assert.deepEqual(call.exchange(), [ErrorCode.cancel]);
});

Deno.test("a finished call leaves no listener at its signal", async () => {
  const signal = new AbortController().signal;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  for (const last of [success, rstStream(1), goaway(0)]) {
    const call = new Call({ signal });
    assert.equal(listeners, 1);
    call.exchange(settings(), headers(1, response), data(1, answer), last);
    await call.outcome;
    assert.equal(listeners, 0);
  }
});

Deno.test("calls are refused before they begin when the signal is aborted or the peer accepts none", async () => {
  await assertFails(new Call({ signal: AbortSignal.abort() }), 14, /cancelled/);
  const peer = new RawPeer({ role: "client" });
  peer.exchange(settings([[3, 0]]));
  const options = {
    path: "/a.B/C",
    scheme: "https",
    authority: "localhost",
    message: answer,
    maxResponseBytes,
  } as const;
  await assert.rejects(
    callUnary(peer.connection, options),
    (error) => error instanceof CallError && error.status.code === 14,
  );
});

const { protocolError, enhanceYourCalm } = ErrorCode;

/** RFC 9113, section 8.1. */
Deno.test("DATA before the headers of a response breaks the rules of its stream", async () => {
  const call = new Call();
  assert.deepEqual(call.exchange(settings(), data(1, answer)), [protocolError]);
  await assertFails(call, 14, /Connection dropped/);
  assert.equal(call.peer.connection.isClosed, false);
});

Deno.test("a peer cannot make a client decode headers of a finished call endlessly", async () => {
  const call = new Call();
  call.exchange(settings(), status([":status", "200"], ["grpc-status", "5"]));
  await assertFails(call, 5, /^$/);
  const frames = call.peer.exchange(...Array.from({ length: 1_100 }, () => success));
  const last = frames.find(({ type }) => type === FrameType.goaway);
  assert.equal(readUint32(last!.payload, 4), enhanceYourCalm);
});
