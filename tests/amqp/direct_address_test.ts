import assert from "node:assert/strict";
import { formOf, numbersOfAddress, processOf } from "../../src/amqp/direct_address.ts";
import { directReplies } from "../../src/amqp/topology.ts";

/** Returns the address of a process as RabbitMQ makes it: a NEW_PID_EXT, and a key. */
function address(id: number, { node = "rabbit@host", serial = 7, creation = 1_795_448_032 } = {}): string {
  const numbers = Buffer.alloc(12);
  [id, serial, creation].forEach((number, index) => numbers.writeUInt32BE(number, 4 * index));
  const atom = Buffer.concat([Buffer.from([119, node.length]), Buffer.from(node)]);
  const term = Buffer.concat([Buffer.from([131, 88]), atom, numbers]);
  return `${directReplies}.${term.toString("base64")}.a2V5`;
}

Deno.test("an address of a broker has the form of its other addresses, and the numbers of its process", () => {
  // More than are remembered, and all of them twice.
  const ids = Array.from({ length: 3_000 }, (_, index) => index + 1);
  for (const id of [...ids, ...ids]) {
    assert.equal(formOf(address(id)), formOf(address(0)));
    assert.equal(processOf(address(id)), `1795448032.${id}.7`);
    assert.deepEqual(numbersOfAddress(address(id)), [id, 7]);
  }
  assert.notEqual(formOf(address(1, { node: "other@host" })), formOf(address(1)));
  assert.notEqual(formOf(address(1, { creation: 2 })), formOf(address(1)));
});

Deno.test("any other text is no address, and has impossible numbers", () => {
  const genuine = address(1);
  const others = ["", directReplies, "chatd.requests", `${genuine}.more`, genuine.replace(".a2V5", ""), `${genuine}é`];
  for (const text of [...others, ...others]) assert.equal(formOf(text), undefined, text);
  for (const text of ["", directReplies, "chatd.requests", "chatd.requests"]) {
    assert.equal(processOf(text), text);
    assert.deepEqual(numbersOfAddress(text), [Infinity, Infinity]);
  }
});
