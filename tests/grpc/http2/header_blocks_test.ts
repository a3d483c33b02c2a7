import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { ConnectionError, ErrorCode } from "../../../src/grpc/http2/errors.ts";
import { HeaderDecoder } from "../../../src/grpc/http2/header_decoder.ts";
import { encodeHeaders, noDynamicTable } from "../../../src/grpc/http2/header_encoder.ts";
import { FrameType } from "../../crash/http2_frames.ts";
import { hold, peerOfServer, whole } from "./rules.ts";

type Pairs = [name: string, value: string][];

interface Example {
  block: string;
  fields: Pairs;
  /** Size of the dynamic table after the block, in octets. */
  tableSize: number;
}

const date21: Pairs[0] = ["date", "Mon, 21 Oct 2013 20:13:21 GMT"];
const request: Pairs = [[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "www.example.com"]];
const secondRequest: Pairs = [...request, ["cache-control", "no-cache"]];
const thirdRequest: Pairs = [
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/index.html"],
  [":authority", "www.example.com"],
  ["custom-key", "custom-value"],
];
const location: Pairs[0] = ["location", "https://www.example.com"];
const cacheControl: Pairs[0] = ["cache-control", "private"];
const thirdResponse: Pairs = [
  [":status", "200"],
  cacheControl,
  ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
  location,
  ["content-encoding", "gzip"],
  ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
];
const responses: Pairs[] = [
  [[":status", "302"], cacheControl, date21, location],
  [[":status", "307"], cacheControl, date21, location],
  thirdResponse,
];

/** RFC 7541, appendix C: each series shares one decoder. */
const appendix: Record<string, { maxTableSize: number; examples: Example[] }> = {
  "C.2.1": {
    maxTableSize: 4096,
    examples: [{
      block: "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
      fields: [["custom-key", "custom-header"]],
      tableSize: 55,
    }],
  },
  "C.2.2": {
    maxTableSize: 4096,
    examples: [{ block: "040c 2f73 616d 706c 652f 7061 7468", fields: [[":path", "/sample/path"]], tableSize: 0 }],
  },
  "C.2.3": {
    maxTableSize: 4096,
    examples: [{
      block: "1008 7061 7373 776f 7264 0673 6563 7265 74",
      fields: [["password", "secret"]],
      tableSize: 0,
    }],
  },
  "C.2.4": { maxTableSize: 4096, examples: [{ block: "82", fields: [[":method", "GET"]], tableSize: 0 }] },
  "C.3": {
    maxTableSize: 4096,
    examples: [
      { block: "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", fields: request, tableSize: 57 },
      { block: "8286 84be 5808 6e6f 2d63 6163 6865", fields: secondRequest, tableSize: 110 },
      {
        block: "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        fields: thirdRequest,
        tableSize: 164,
      },
    ],
  },
  "C.4": {
    maxTableSize: 4096,
    examples: [
      { block: "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", fields: request, tableSize: 57 },
      { block: "8286 84be 5886 a8eb 1064 9cbf", fields: secondRequest, tableSize: 110 },
      { block: "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", fields: thirdRequest, tableSize: 164 },
    ],
  },
  "C.5": {
    maxTableSize: 256,
    examples: [
      {
        block:
          "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120" +
          "474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        fields: responses[0],
        tableSize: 222,
      },
      { block: "4803 3330 37c1 c0bf", fields: responses[1], tableSize: 222 },
      {
        block:
          "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738" +
          "666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630" +
          "303b 2076 6572 7369 6f6e 3d31",
        fields: responses[2],
        tableSize: 215,
      },
    ],
  },
  "C.6": {
    maxTableSize: 256,
    examples: [
      {
        block:
          "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718" +
          "63c7 8f0b 97c8 e9ae 82ae 43d3",
        fields: responses[0],
        tableSize: 222,
      },
      { block: "4883 640e ffc1 c0bf", fields: responses[1], tableSize: 222 },
      {
        block:
          "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7" +
          "b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        fields: responses[2],
        tableSize: 215,
      },
    ],
  },
};

const bytes = (hex: string) => Uint8Array.fromHex(hex.replaceAll(" ", ""));
const decoderOf = (maxTableSize = 4096, maxListSize = 16_384) => new HeaderDecoder({ maxTableSize, maxListSize });
const pairs = (fields: { name: string; value: string }[] | undefined) =>
  fields?.map(({ name, value }) => [name, value]);

for (const [section, { maxTableSize, examples }] of Object.entries(appendix)) {
  Deno.test(`the examples of RFC 7541, appendix ${section}, are decoded as they say`, () => {
    const decoder = decoderOf(maxTableSize);
    for (const { block, fields, tableSize } of examples) {
      assert.deepEqual(pairs(decoder.decode(bytes(block))), fields);
      assert.equal(decoder.tableSize, tableSize);
    }
  });
}

const malformed: Record<string, string> = {
  "an index of zero": "80",
  "an index beyond both tables": "be",
  "an index that does not end": "ff",
  "an integer too large for any use": "ff ffff ffff ff7f",
  "a string beyond the block": "400a 6375",
  "a literal without a value": "4001 61",
  "padding of more than seven bits": "4001 6182 1fff",
  "padding that is not all ones": "4001 6181 18",
  "EOS within a string": "4001 6184 ffff fffc",
  "a table larger than allowed": "3fe2 1f",
  "a change of the table's size after a field": "8220",
};

for (const [fault, block] of Object.entries(malformed)) {
  Deno.test(`a header block with ${fault} ends the connection with COMPRESSION_ERROR`, () => {
    assert.throws(
      () => decoderOf().decode(bytes(block)),
      (error: unknown) => error instanceof ConnectionError && error.code === ErrorCode.compressionError,
    );
  });
}

Deno.test("a list beyond its bound is not kept, and the decoder goes on with the right table", () => {
  const decoder = decoderOf(4096, 100);
  // One field of 4 + 60 + 32 octets, then the same again and again by its index.
  const bomb = Uint8Array.from([
    0x40,
    4,
    ...Buffer.from("name"),
    60,
    ...Buffer.from("x".repeat(60)),
    ...Array(10_000).fill(0xbe),
  ]);
  assert.equal(decoder.decode(bomb), undefined);
  assert.deepEqual(pairs(decoder.decode(Uint8Array.of(0xbe))), [["name", "x".repeat(60)]]);
});

Deno.test("a field larger than the table empties it", () => {
  const decoder = decoderOf(64);
  decoder.decode(bytes("4001 6101 62"));
  assert.equal(decoder.tableSize, 34);
  decoder.decode(Uint8Array.from([0x40, 1, 0x61, 40, ...Buffer.from("x".repeat(40))]));
  assert.equal(decoder.tableSize, 0);
});

Deno.test("a table that is made smaller evicts the oldest fields, and one of size zero keeps none", () => {
  const decoder = decoderOf();
  decoder.decode(bytes("4001 6101 62 4001 6301 64"));
  assert.equal(decoder.tableSize, 68);
  assert.deepEqual(pairs(decoder.decode(bytes("3f0f be"))), [["c", "d"]]);
  assert.equal(decoder.tableSize, 34);
  decoder.decode(bytes("20 3f0f"));
  assert.equal(decoder.tableSize, 0);
});

Deno.test("fields that are encoded are decoded as they were, and secret ones are marked as never to be indexed", () => {
  const fields: Pairs = [
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["grpc-message", "\x00\x7f\xff%"],
    ["long", "ab".repeat(3_000)],
    ["authorization", "Bearer x"],
    ["empty", ""],
  ];
  const block = encodeHeaders(fields, { secret: new Set(["authorization"]) });
  assert.deepEqual(pairs(decoderOf().decode(block)), fields);
  assert.equal(encodeHeaders([["authorization", "x"]], { secret: new Set(["authorization"]) })[0] & 0xf0, 0x10);
});

Deno.test("RFC 7541, 4.2: the first block of a connection announces that its encoder has no table, later ones do not", () => {
  const first: number[] = [];
  const peer = peerOfServer({
    onRequest: (stream) => {
      hold(stream);
      stream.sendHeaders(encodeHeaders([[":status", "200"]]));
    },
  });
  for (const stream of [1, 3]) {
    first.push(
      ...peer.exchange(whole(stream)).filter(({ type }) => type === FrameType.headers).map((each) => each.payload[0]),
    );
  }
  assert.deepEqual(first, [noDynamicTable[0], 0x88]);
});
