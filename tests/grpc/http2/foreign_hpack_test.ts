import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import fc from "fast-check";
import { HeaderDecoder } from "../../../src/grpc/http2/header_decoder.ts";
import { encodeHeaders, noDynamicTable } from "../../../src/grpc/http2/header_encoder.ts";
import { requireDebianPackages } from "../../support/processes/debian_package.ts";

/**
 * Encodes each list with one encoder, Huffman-coded or not in turn, and decodes each of our blocks: Debian's
 * python3-hpack.
 */
const program = `
import json, sys
from hpack import Encoder, Decoder
encoder, decoder, out = Encoder(), Decoder(), []
for count, (fields, block) in enumerate(json.load(sys.stdin)):
    pairs = [(n.encode("latin1"), v.encode("latin1")) for n, v in fields]
    if count % 7 == 3: encoder.header_table_size = 128 + count
    coded = encoder.encode(pairs, huffman=count % 2 == 0).hex()
    decoded = [[n.decode("latin1"), v.decode("latin1")] for n, v in decoder.decode(bytes.fromhex(block), raw=True)]
    out.append([coded, decoded])
json.dump(out, sys.stdout)
`;

const names = fc.constantFrom("grpc-status", "content-type", ":path", "x-request-id", "cookie", "authorization", "n");
const values = fc.oneof(
  fc.constantFrom("application/grpc", "/a/b", "", "0"),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
);

Deno.test("python3-hpack decodes what is encoded here, and what it encodes is decoded here", async () => {
  requireDebianPackages(["python3-h2"], "header blocks are compared with those of its hpack");
  const lists = fc.sample(fc.array(fc.tuple(names, values), { minLength: 1, maxLength: 12 }), {
    numRuns: 300,
    seed: 7541,
  });
  const blocks = lists.map((fields, index) => {
    const block = encodeHeaders(fields);
    return index === 0 ? Buffer.concat([noDynamicTable, block]) : Buffer.from(block);
  });
  const input = JSON.stringify(lists.map((fields, index) => [fields, blocks[index].toString("hex")]));
  const child = new Deno.Command("/usr/bin/python3", { args: ["-c", program], stdin: "piped", stdout: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout } = await child.output();
  assert.ok(success);
  const answers: [coded: string, decoded: [string, string][]][] = JSON.parse(new TextDecoder().decode(stdout));
  const decoder = new HeaderDecoder({ maxTableSize: 4096, maxListSize: 1_000_000 });
  answers.forEach(([coded, decoded], index) => {
    assert.deepEqual(decoded, lists[index]);
    const ours = decoder.decode(Buffer.from(coded, "hex"))!.map(({ name, value }) => [name, value]);
    assert.deepEqual(ours, lists[index]);
  });
});
