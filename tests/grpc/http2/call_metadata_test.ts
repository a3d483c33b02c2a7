import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeStatusMessage, encodeStatusMessage, parseTimeout } from "../../../src/grpc/http2/call_metadata.ts";

Deno.test("encodeStatusMessage() leaves printable ASCII, and encodes the rest as UTF-8", () => {
  assert.equal(encodeStatusMessage("nicht da: ü%\n", 100), "nicht da: %C3%BC%25%0A");
});

Deno.test("a status message ends with the last character that fits", () => {
  assert.equal(encodeStatusMessage("aü", 7), "a%C3%BC");
  assert.equal(encodeStatusMessage("aü", 6), "a");
  assert.equal(encodeStatusMessage("漢".repeat(2_000), 2_048), "%E6%BC%A2".repeat(227));
  assert.equal(encodeStatusMessage("😀😀", 15), "%F0%9F%98%80");
});

Deno.test("a status message that fits is decoded as it was", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (message) => {
    assert.equal(decodeStatusMessage(encodeStatusMessage(message, 1_000_000)), message);
  }));
});

Deno.test("parseTimeout() knows the six units, and refuses everything else", () => {
  const ms = ["2H", "3M", "4S", "5m", "6u", "7n"].map(parseTimeout);
  assert.deepEqual(ms.slice(0, 4), [7_200_000, 180_000, 4_000, 5]);
  assert.deepEqual(ms.slice(4).map((value) => value!.toFixed(6)), ["0.006000", "0.000007"]);
  for (const malformed of ["", "5", "m", "123456789S", "-1S", "1.5S", "1 S", "1s", "1SS"]) {
    assert.equal(parseTimeout(malformed), undefined, malformed);
  }
});
