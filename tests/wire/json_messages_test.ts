import assert from "node:assert/strict";
import { ClientFrame } from "../../src/gen/chatd/v1/session.ts";
import { binaryFromJson, jsonFromBinary } from "../../src/wire/json_messages.ts";
import { throwsWith } from "../support/checks/chat_error_assertions.ts";

const type = "chatd.v1.ClientFrame";
const bytes = (json: string) => new TextEncoder().encode(json);

Deno.test("proto3 JSON and protobuf convert into each other", () => {
  const json = '{"requests":[{"id":"1","hello":{"protocolVersion":1,"token":"t","callback":{"secret":"AQI="}}}]}';
  const binary = binaryFromJson(type, bytes(json));
  const [{ id, kind }] = ClientFrame.decode(binary).requests;
  assert.equal(id, 1);
  assert.ok(kind?.$case === "hello");
  assert.deepEqual([kind.value.token, [...kind.value.callback!.secret]], ["t", [1, 2]]);
  assert.equal(jsonFromBinary(type, binary), json);
});

Deno.test("JSON with an error is refused, and the error names the field", () => {
  const wrong: [json: string | Uint8Array, why: RegExp][] = [
    ["", /JSON/],
    ["{", /JSON/],
    ["[]", /ClientFrame/],
    ['{"request":[]}', /key "request" is unknown/],
    ['{"requests":{}}', /requests/],
    ['{"requests":[{"id":"x"}]}', /Request\.id/],
    ['{"requests":[{"id":-1}]}', /Request\.id/],
    ['{"requests":[{"id":1,"ping":{},"ack":{}}]}', /oneof/],
    ['{"requests":[{"id":1,"send":{"text":7}}]}', /SendRequest\.text/],
    ['{"requests":[{"id":1,"send":{"text":"\\ud800"}}]}', /SendRequest\.text/],
    [new Uint8Array([0x22, 0xc3, 0x28, 0x22]), /utf-8|encod/i],
  ];
  for (const [json, why] of wrong) {
    const error = throwsWith(
      "invalid_argument",
      () => binaryFromJson(type, typeof json === "string" ? bytes(json) : json),
    );
    assert.match(error.message, why);
  }
});

Deno.test("an error about JSON repeats only its beginning", () => {
  const long = `{"requests":[{"id":1,"send":{"text":${"9".repeat(10_000)}}}]}`;
  assert.ok(throwsWith("invalid_argument", () => binaryFromJson(type, bytes(long))).message.length < 400);
});
