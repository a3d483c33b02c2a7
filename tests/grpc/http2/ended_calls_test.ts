import assert from "node:assert/strict";
import { maxLateFrames, ServerCall } from "../../../src/grpc/http2/server_call.ts";
import { settings } from "../../crash/http2_frames.ts";
import { data, headers, peerOfServer, post, resetsOf } from "./rules.ts";

Deno.test("a call that has ended takes so many frames more while its answer waits, and is broken off", () => {
  const events = { onMessage() {}, onHalfClose() {}, onClose() {} };
  const peer = peerOfServer({
    onRequest(stream, request) {
      const call = new ServerCall(stream, request, { maxMessageBytes: 1_000 });
      call.begin(events);
      call.send(new Uint8Array(1));
      call.end();
    },
  });
  // The answer finds no window.
  peer.exchange(settings([[4, 0]]), headers([...post, ["content-type", "application/grpc"]]));
  for (let count = 0; count < maxLateFrames; count++) assert.deepEqual(resetsOf(peer.exchange(data(1, 1))), []);
  assert.deepEqual(resetsOf(peer.exchange(data(1, 1))).length, 1);
  assert.equal(peer.connection.streams, 0);
});
