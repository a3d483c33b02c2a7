import assert from "node:assert/strict";
import { putRequest, SendTemplate } from "../../../src/bench/driver/send_template.ts";
import { readStamp, stampedText, stampNow, stampOf } from "../../../src/bench/driver/stamps.ts";
import { isMessageId, messageIdTime } from "../../../src/core/messages/message_id.ts";
import { ClientFrame, Request } from "../../../src/gen/chatd/v1/session.ts";

const time = Date.UTC(2026, 10, 29);

function sends(frame: Uint8Array) {
  return ClientFrame.decode(frame).requests.map(({ id, kind }) => {
    assert.equal(kind?.$case, "send");
    return { requestId: id, ...kind.value };
  });
}

Deno.test("a patched template is the frame that the generated code would encode", () => {
  const template = new SendTemplate("ben");
  const bytes = new Uint8Array(4 * template.maxBytes);
  const requestIds = [1, 127, 128, 70_000];
  const stamps = [0, 5, 1_234_567, 9_999_999_999_999];
  let at = 0;
  for (const [i, requestId] of requestIds.entries()) {
    at = template.put(bytes, at, { requestId, stamp: stamps[i], time: time + (i > 1 ? 1 : 0) });
  }
  const frame = bytes.subarray(0, at);
  const all = sends(frame);
  assert.deepEqual(all.map(({ requestId }) => requestId), requestIds);
  assert.deepEqual(all.map(({ to }) => to), ["ben", "ben", "ben", "ben"]);
  assert.deepEqual(all.map(({ text }) => text), stamps.map(stampedText));
  assert.deepEqual(all.map(({ text }) => text.length), [100, 100, 100, 100]);
  assert.deepEqual(Buffer.from(ClientFrame.encode(ClientFrame.decode(frame)).finish()), Buffer.from(frame));
});

Deno.test("ids of a template are valid, different, and rise with the time in them", () => {
  const template = new SendTemplate("ben");
  const bytes = new Uint8Array(300 * template.maxBytes);
  let at = 0;
  for (let i = 0; i < 300; i++) at = template.put(bytes, at, { requestId: i + 1, stamp: 0, time: time + i * 1_000 });
  const ids = sends(bytes.subarray(0, at)).map(({ id }) => id);
  assert.ok(ids.every(isMessageId));
  assert.deepEqual(ids.map(messageIdTime), ids.map((_, i) => time + i * 1_000));
  const other = new SendTemplate("ben");
  const end = other.put(bytes, 0, { requestId: 1, stamp: 0, time });
  assert.equal(new Set([...ids, sends(bytes.subarray(0, end))[0].id]).size, 301);
});

Deno.test("putRequest() adds the id to an encoded kind of request", () => {
  const kind = { $case: "typing", value: { to: "ben", stopped: true } } as const;
  const bytes = new Uint8Array(64);
  const end = putRequest(bytes, 0, 300, Request.encode({ id: 0, kind }).finish());
  assert.deepEqual(ClientFrame.decode(bytes.subarray(0, end)), { requests: [{ id: 300, kind }] });
});

Deno.test("a stamp is read from bytes and from text as it was written", () => {
  for (const stamp of [0, 1, stampNow(), 9_999_999_999_999]) {
    const text = stampedText(stamp);
    assert.equal(stampOf(text), stamp);
    assert.equal(readStamp(new TextEncoder().encode(`ab${text}`), 2), stamp);
  }
});
