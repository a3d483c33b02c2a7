import assert from "node:assert/strict";
import fc from "fast-check";
import { packFrames } from "../../src/client/frame_packer.ts";
import { ClientFrame, Request } from "../../src/gen/chatd/v1/session.ts";
import { sendRequest } from "../support/servers/wire_values.ts";

Deno.test("packFrames() keeps all requests in order, in as few frames of at most 64 KiB as possible", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 16 * 1024 }), { maxLength: 40 }), (lengths) => {
    const requests = lengths.map((length, i): Request => ({
      id: i + 1,
      kind: { $case: "send", value: sendRequest({ to: "ben", id: "0".repeat(36), text: "x".repeat(length) }) },
    }));
    const sized = requests.map((request) => ({ request, bytes: Request.encode(request).finish().length }));
    const frames = packFrames(sized);
    assert.deepEqual(frames.flatMap((frame) => frame.requests), requests);
    for (const [i, frame] of frames.entries()) {
      assert.ok(ClientFrame.encode(frame).finish().length <= 64 * 1024);
      const next = frames.at(i + 1)?.requests[0];
      if (next) {
        assert.ok(ClientFrame.encode({ requests: [...frame.requests, next] }).finish().length > 64 * 1024 - 512);
      }
    }
  }));
});
