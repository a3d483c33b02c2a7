/**
 * Measures the memory that connections hold for the worst peers: run with `--v8-flags=--expose-gc`, prints octets for
 * each connection.
 */
import { Buffer } from "node:buffer";
import { Http2Connection } from "../../../src/grpc/http2/connection.ts";
import type { ConnectionLimits } from "../../../src/grpc/http2/connection_limits.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import type { Transport } from "../../../src/grpc/http2/outbox.ts";
import { Flag, frame, FrameType, PREFACE, settings } from "../../crash/http2_frames.ts";

/** A stranger's limits. */
export const limits: ConnectionLimits & { maxQueuedBytes: number } = {
  maxStreams: 100,
  streamWindow: 131_072,
  connectionWindow: 131_072,
  maxHeaderListBytes: 16_384,
  maxQueuedBytes: 524_288,
};

interface Held {
  connection: Http2Connection;
  /** Header lists, DATA and octets in the transport. */
  parts: unknown[];
}

/** Fills everything that a connection holds for its peer. */
function fill(): Held {
  const parts: unknown[] = [];
  let hasTaken = false;
  const transport: Transport = {
    keepsOctets: false,
    write: (bytes) => {
      // As much as the transport takes before it is full.
      if (!hasTaken) parts.push(new Uint8Array(bytes), new Uint8Array(128 * 1024));
      hasTaken = true;
      return false;
    },
    end: () => {},
    pause: () => {},
    resume: () => {},
    defer: (callback) => callback(),
  };
  const connection = new Http2Connection(transport, {
    role: "server",
    limits,
    onRequest: (stream, request) => {
      parts.push(request);
      stream.sendHeaders(encodeHeaders([[":status", "200"]]));
      stream.events = {
        onData: (bytes) => void parts.push(bytes.slice()),
        onEnd: () => {},
        onClose: () => {},
      };
      while (connection.heldBytes < limits.maxQueuedBytes - 10_000) {
        stream.write(new Uint8Array(5_000));
      }
    },
  });
  connection.receive(Buffer.concat([PREFACE, settings([[4, 0]])]));
  for (const octets of attack()) connection.receive(octets);
  if (connection.isClosed) throw new Error("The attack ended the connection.");
  return { connection, parts };
}

function* attack(): Generator<Uint8Array> {
  const post: [string, string][] = [[":method", "POST"], [":scheme", "http"], [":path", "/"]];
  // The shortest fields take the most memory for their size; each name and value is a string of its own.
  const many = Array.from({ length: 425 }, (_, at): [string, string] => [`${at.toString(36)}`, `${at}`]);
  const table = Buffer.concat(
    Array.from({ length: 120 }, (_, at) => Buffer.from([0x40, 1, 97 + at % 26, 1, 48 + at % 10])),
  );
  yield frame(FrameType.headers, {
    stream: 1,
    flags: Flag.endHeaders,
    payload: Buffer.concat([encodeHeaders(post), table]),
  });
  for (let stream = 3; stream < 200; stream += 2) {
    yield frame(FrameType.headers, { stream, flags: Flag.endHeaders, payload: encodeHeaders([...post, ...many]) });
  }
  for (let count = 0; count < 8; count++) yield frame(FrameType.data, { stream: 1, payload: Buffer.alloc(16_000) });
  // Answers that wait.
  for (let count = 0; count < 700; count++) yield frame(FrameType.ping, { payload: Buffer.alloc(8) });
  // A header block, and a frame, that are not whole.
  yield frame(FrameType.headers, { stream: 201, payload: Buffer.alloc(16_000) });
  yield frame(FrameType.continuation, { stream: 201, declaredLength: 16_384, payload: Buffer.alloc(300) });
}

function memory(): number {
  (globalThis as unknown as { gc(): void }).gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

if (import.meta.main) {
  fill();
  const before = memory();
  const held = Array.from({ length: 30 }, fill);
  console.log(Math.round((memory() - before) / held.length));
}
