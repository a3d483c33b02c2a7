import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import fc from "fast-check";
import { ConnectionError, ErrorCode } from "../../../src/grpc/http2/errors.ts";
import { HeaderDecoder } from "../../../src/grpc/http2/header_decoder.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import { decodeHuffman, encodeHuffman } from "../../../src/grpc/http2/huffman.ts";
import type { Http2Stream } from "../../../src/grpc/http2/stream.ts";
import { MessageError, MessageReader } from "../../../src/grpc/http2/messages.ts";
import { frame, grpcMessage, hpack, PREFACE, requestHeaders, settings } from "../../crash/http2_frames.ts";
import { RawPeer } from "./wire.ts";

const latin1 = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("latin1"));

Deno.test("any text that is Huffman-coded is decoded as it was", () => {
  fc.assert(fc.property(latin1, (text) => assert.equal(decodeHuffman(encodeHuffman(text)), text)));
});

Deno.test("any octets that decode as Huffman code are the code of the result", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    const text = decodeHuffman(bytes);
    if (text !== undefined) assert.deepEqual(Buffer.from(encodeHuffman(text)), Buffer.from(bytes));
  }));
});

Deno.test("any fields that are encoded are decoded as they were", () => {
  fc.assert(fc.property(fc.array(fc.tuple(latin1, latin1), { maxLength: 20 }), (fields) => {
    const decoder = new HeaderDecoder({ maxTableSize: 4096, maxListSize: 1_000_000 });
    assert.deepEqual(decoder.decode(encodeHeaders(fields))!.map(({ name, value }) => [name, value]), fields);
  }));
});

Deno.test("any octets as header blocks are decoded or end the connection, and the table keeps its bound", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (blocks) => {
      const decoder = new HeaderDecoder({ maxTableSize: 256, maxListSize: 1_000 });
      try {
        for (const block of blocks) {
          const fields = decoder.decode(block);
          const size = (fields ?? []).reduce((sum, { name, value }) => sum + name.length + value.length + 32, 0);
          assert.ok(size <= 1_000 && decoder.tableSize <= 256);
        }
      } catch (error) {
        assert.ok(error instanceof ConnectionError && error.code === ErrorCode.compressionError, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

const anyFrame = fc.record({
  type: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 255 })),
  flags: fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 0x20, 0x2d), fc.integer({ min: 0, max: 255 })),
  stream: fc.oneof(fc.constantFrom(0, 1, 3, 5, 2), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom<Uint8Array>(
      requestHeaders("/a/b"),
      hpack([[":status", "200"]]),
      hpack([["grpc-status", "0"]]),
      grpcMessage(Buffer.from("x")),
      Buffer.alloc(4),
      Buffer.alloc(8),
    ),
  ),
}).map(({ type, ...options }) => frame(type, options));

/** Sends back each body, and counts the streams that are open. */
function echo(stream: Http2Stream, open: { count: number }): Http2Stream["events"] {
  open.count++;
  return {
    onData: (bytes) => {
      stream.write(new Uint8Array(bytes));
      stream.release(bytes.length);
    },
    onEnd: () => stream.end(),
    onClose: () => void open.count--,
  };
}

function serverPeer(open: { count: number }): RawPeer {
  const peer = new RawPeer({ onRequest: (stream) => void (stream.events = echo(stream, open)) });
  peer.exchange(PREFACE, settings());
  return peer;
}

/** A client with two requests. */
function clientPeer(open: { count: number }): RawPeer {
  const peer = new RawPeer({ role: "client" });
  peer.exchange(settings());
  for (let count = 0; count < 2; count++) {
    const stream: Http2Stream = peer.connection.request(requestHeaders("/a/b"), {
      onData: (bytes) => events.onData(bytes),
      onEnd: () => events.onEnd(undefined),
      onClose: (code) => events.onClose(code),
    });
    const events = echo(stream, open);
  }
  return peer;
}

for (const [role, start] of Object.entries({ server: serverPeer, client: clientPeer })) {
  Deno.test(`any frames are taken or end the connection of a ${role}, cut into any chunks, and nothing is left behind`, () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 30 }), fc.integer({ min: 1, max: 50 }), (frames, chunkBytes) => {
        const open = { count: 0 };
        const peer = start(open);
        const octets = Buffer.concat(frames);
        for (let at = 0; at < octets.length; at += chunkBytes) {
          peer.connection.receive(octets.subarray(at, at + chunkBytes));
          peer.turns.run();
        }
        assert.equal(peer.connection.streams, open.count);
        assert.equal(peer.connection.isClosed, peer.isEnded);
        peer.connection.lost();
        assert.deepEqual([open.count, peer.connection.streams, peer.connection.heldBytes], [0, 0, 0]);
        peer.exchange();
      }),
      { numRuns: 3_000 },
    );
  });
}

Deno.test("messages come out as they went in, however they are cut, and octets that are none are refused", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 10 });
  fc.assert(fc.property(messages, fc.integer({ min: 1, max: 50 }), (sent, chunkBytes) => {
    const octets = Buffer.concat(sent.map((message) => grpcMessage(message)));
    const reader = new MessageReader(100);
    const heard: Uint8Array[] = [];
    for (let at = 0; at < octets.length; at += chunkBytes) {
      reader.read(octets.subarray(at, at + chunkBytes), (message) => heard.push(message.slice()));
      assert.ok(reader.heldBytes <= 105);
    }
    assert.deepEqual(heard.map((each) => Buffer.from(each)), sent.map((each) => Buffer.from(each)));
    assert.equal(reader.heldBytes, 0);
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 50 }), (octets) => {
    try {
      new MessageReader(20).read(octets, ({ length }) => assert.ok(length <= 20));
    } catch (error) {
      assert.ok(error instanceof MessageError);
    }
  }));
});
