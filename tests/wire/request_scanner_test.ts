import assert from "node:assert/strict";
import fc from "fast-check";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { ClientFrame, type Request } from "../../src/gen/chatd/v1/session.ts";
import { RequestScanner } from "../../src/wire/request_scanner.ts";

const decoder = new TextDecoder();
const record = { noNullPrototype: true };
const plainSend = { replyToSeq: 0, uploadId: "", automatic: false };
const requestId = fc.nat({ max: 2 ** 49 - 1 });
const text = fc.string({ unit: "binary", minLength: 1, maxLength: 300 }).filter((each) => each.isWellFormed());

const send: fc.Arbitrary<Request> = fc.record({
  id: requestId,
  kind: fc.record({
    $case: fc.constant("send" as const),
    value: fc.record({ to: text, id: fc.constant(createMessageId()), text, ...constants(plainSend) }, record),
  }, record),
}, record);
const ack: fc.Arbitrary<Request> = fc.record({
  id: requestId,
  kind: fc.integer({ min: 1, max: 0xffff_ffff }).map((receipt) => ({ $case: "ack" as const, value: { receipt } })),
}, record);
/** Requests that the scanner must leave. */
const other: fc.Arbitrary<Request> = fc.oneof(
  fc.record({
    id: requestId,
    kind: fc.constantFrom(
      { $case: "ping" as const, value: {} },
      { $case: "ack" as const, value: { receipt: 0 } },
      { $case: "send" as const, value: { to: "ben", id: "short", text: "x", ...plainSend } },
      { $case: "send" as const, value: { to: "", id: createMessageId(), text: "x", ...plainSend } },
      { $case: "send" as const, value: { to: "ben", id: createMessageId(), text: "", ...plainSend } },
      { $case: "send" as const, value: { to: "ben", id: createMessageId(), text: "x", ...plainSend, replyToSeq: 4 } },
      { $case: "send" as const, value: { to: "ben", id: createMessageId(), text: "x", ...plainSend, automatic: true } },
      { $case: "send" as const, value: { to: "b", id: createMessageId(), text: "x", ...plainSend, uploadId: "u" } },
    ),
  }, record),
  fc.constant({ id: 1, kind: undefined }),
  fc.record({ id: fc.constantFrom(2 ** 49, Number.MAX_SAFE_INTEGER), kind: ack.map(({ kind }) => kind) }, record),
);

function constants<T extends Record<string, unknown>>(values: T): { [Name in keyof T]: fc.Arbitrary<T[Name]> } {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fc.constant(value)])) as never;
}

/** Returns the requests that the scanner reads from a frame, and where it stops. */
function scan(frame: Uint8Array): { requests: Request[]; at: number } {
  const scanner = new RequestScanner();
  scanner.begin(frame);
  const requests: Request[] = [];
  for (let kind = scanner.next(); kind !== undefined; kind = scanner.next()) {
    const { requestId: id, receipt, toAt, toEnd, idAt, textAt, textEnd } = scanner;
    if (kind === "ack") requests.push({ id, kind: { $case: "ack", value: { receipt } } });
    else {
      const read = (from: number, to: number) => decoder.decode(frame.subarray(from, to));
      const value = { to: read(toAt, toEnd), id: read(idAt, idAt + 36), text: read(textAt, textEnd), ...plainSend };
      requests.push({ id, kind: { $case: "send", value } });
    }
  }
  return { requests, at: scanner.at };
}

Deno.test("plain sends and acknowledgements are read as decoding reads them", () => {
  fc.assert(fc.property(fc.array(fc.oneof(send, ack), { maxLength: 5 }), (requests) => {
    const frame = ClientFrame.encode({ requests }).finish();
    assert.deepEqual(scan(frame), { requests, at: frame.length });
  }));
});

Deno.test("the scanner stops before the first request of another kind, and the rest is a frame", () => {
  const requests = fc.tuple(
    fc.array(fc.oneof(send, ack), { maxLength: 3 }),
    other,
    fc.array(fc.oneof(send, ack, other), { maxLength: 3 }),
  );
  fc.assert(fc.property(requests, ([before, stop, after]) => {
    const frame = ClientFrame.encode({ requests: [...before, stop, ...after] }).finish();
    const { requests, at } = scan(frame);
    assert.deepEqual(requests, before);
    assert.deepEqual(ClientFrame.decode(frame.subarray(at)).requests, [stop, ...after]);
  }));
});

Deno.test("requests read from damaged bytes are those that decoding reads", () => {
  const damaged = fc.tuple(
    fc.array(fc.oneof(send, ack, other), { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }),
    fc.nat(),
  ).map(([requests, changes, cut]) => {
    const frame = ClientFrame.encode({ requests }).finish();
    for (const [at, byte] of changes) frame[at % frame.length] = byte;
    return cut % 3 === 0 ? frame.slice(0, cut % (frame.length + 1)) : frame;
  });
  fc.assert(
    fc.property(damaged, (frame) => {
      const { requests, at } = scan(frame);
      assert.deepEqual(requests, ClientFrame.decode(frame.subarray(0, at)).requests);
    }),
    { numRuns: 2_000 },
  );
});
