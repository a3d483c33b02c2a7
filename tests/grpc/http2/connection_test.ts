import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { ErrorCode } from "../../../src/grpc/http2/errors.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import { type HeaderList, valueOf } from "../../../src/grpc/http2/header_rules.ts";
import type { Http2Stream } from "../../../src/grpc/http2/stream.ts";
import { connectedPair } from "./wire.ts";

const requestBlock = encodeHeaders([
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/echo"],
  ["te", "trailers"],
]);
const responseBlock = encodeHeaders([[":status", "200"]]);
const trailersBlock = encodeHeaders([["grpc-status", "0"]]);

function data(text: string | Uint8Array): Uint8Array {
  return Buffer.from(text);
}

/** Answers each request with its own body, piece by piece. */
function echo(stream: Http2Stream): void {
  stream.sendHeaders(responseBlock);
  stream.events = {
    onData: (bytes) => {
      stream.write(data(bytes));
      stream.release(bytes.length);
    },
    onEnd: () => stream.end(trailersBlock),
    onClose: () => {},
  };
}

interface Heard {
  status?: string;
  body: Buffer;
  trailers?: HeaderList;
  closed?: { code: number | undefined };
}

function listen(): { heard: Heard; events: (stream: () => Http2Stream) => Http2Stream["events"] } {
  const heard: Heard = { body: Buffer.alloc(0) };
  return {
    heard,
    events: (stream) => ({
      onResponse: (response) => void (heard.status = response.pseudo.get(":status")),
      onData: (bytes) => {
        heard.body = Buffer.concat([heard.body, bytes]);
        stream().release(bytes.length);
      },
      onEnd: (trailers) => void (heard.trailers = trailers),
      onClose: (code) => void (heard.closed = { code }),
    }),
  };
}

function ask(client: ReturnType<typeof connectedPair>["client"]): { stream: Http2Stream; heard: Heard } {
  const { heard, events } = listen();
  const stream: Http2Stream = client.request(requestBlock, events(() => stream));
  return { stream, heard };
}

Deno.test("a body far beyond all windows comes back whole, and the stream ends in order on both sides", () => {
  const { client, server, turns } = connectedPair({ onRequest: echo });
  const { stream, heard } = ask(client);
  const body = crypto.getRandomValues(new Uint8Array(60_000));
  const pieces = Array.from({ length: 20 }, () => body);
  for (const piece of pieces) stream.write(data(piece));
  stream.end();
  turns.run();
  assert.equal(heard.status, "200");
  assert.ok(heard.body.equals(Buffer.concat(pieces)));
  assert.equal(valueOf(heard.trailers!, "grpc-status"), "0");
  assert.deepEqual(heard.closed, { code: undefined });
  assert.deepEqual([client.streams, server.streams], [0, 0]);
});

Deno.test("streams take turns: a short answer does not wait for a long one", () => {
  const order: string[] = [];
  const { client, turns } = connectedPair({ onRequest: echo });
  for (const length of [1_000_000, 10]) {
    const stream: Http2Stream = client.request(requestBlock, {
      onData: (bytes) => stream.release(bytes.length),
      onEnd: () => order.push(`${length}`),
      onClose: () => {},
    });
    stream.write(data(new Uint8Array(length)));
    stream.end();
  }
  turns.run();
  assert.deepEqual(order, ["10", "1000000"]);
});

Deno.test("an answer may be whole before its request is, which is then broken off without an error", () => {
  const { client, turns } = connectedPair({
    onRequest: (stream) => {
      stream.events = { onData: () => {}, onEnd: () => {}, onClose: () => {} };
      stream.sendHeaders(responseBlock);
      stream.end(trailersBlock);
    },
  });
  const { stream, heard } = ask(client);
  stream.write(data("begin"));
  turns.run();
  assert.equal(valueOf(heard.trailers!, "grpc-status"), "0");
  assert.deepEqual(heard.closed, { code: ErrorCode.noError });
});

Deno.test("a stream that one side resets is closed with its code on the other", () => {
  const closed: unknown[] = [];
  const { client, turns } = connectedPair({
    onRequest: (stream) => {
      stream.events = { onData: () => {}, onEnd: () => {}, onClose: (code) => void closed.push(code) };
    },
  });
  const { stream, heard } = ask(client);
  turns.run();
  stream.reset(ErrorCode.cancel);
  turns.run();
  assert.deepEqual(closed, [ErrorCode.cancel]);
  assert.deepEqual(heard.closed, { code: ErrorCode.cancel });
});

Deno.test("a drained connection finishes its streams, takes no new ones, and closes", () => {
  const open: Http2Stream[] = [];
  const { client, server, turns } = connectedPair({
    onRequest: (stream) => {
      stream.events = { onData: () => {}, onEnd: () => {}, onClose: () => {} };
      open.push(stream);
    },
  });
  const { stream, heard } = ask(client);
  stream.end();
  turns.run();
  server.drain();
  turns.run();
  assert.equal(client.takesRequests, false);
  assert.equal(server.isClosed, false);
  open[0].sendHeaders(responseBlock);
  open[0].end(trailersBlock);
  turns.run();
  assert.equal(valueOf(heard.trailers!, "grpc-status"), "0");
  assert.deepEqual([client.isClosed, server.isClosed], [true, true]);
});

Deno.test("a connection without streams is drained at once", () => {
  const { client, server, turns } = connectedPair({ onRequest: echo });
  turns.run();
  server.drain();
  turns.run();
  assert.deepEqual([client.isClosed, server.isClosed], [true, true]);
});

Deno.test("a ping is answered", () => {
  const { client, turns } = connectedPair({ onRequest: echo });
  let answers = 0;
  client.ping(() => answers++);
  turns.run();
  assert.equal(answers, 1);
});

Deno.test("a connection that is closed within the last event of a stream has sent the whole stream", () => {
  const { client, server, turns } = connectedPair({
    onRequest: (stream) => {
      stream.events = { onData: () => {}, onEnd: () => {}, onClose: () => server.close() };
      stream.sendHeaders(responseBlock);
      stream.write(data("whole"));
      stream.end(trailersBlock);
    },
  });
  const { heard } = ask(client);
  turns.run();
  assert.equal(heard.body.toString(), "whole");
  assert.equal(valueOf(heard.trailers!, "grpc-status"), "0");
  assert.equal(server.isClosed, true);
});
