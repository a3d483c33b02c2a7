import assert from "node:assert/strict";
import { parseFormat } from "../../src/amqp/message_types.ts";
import { decodePayload, endingFrame, serverFrames } from "../../src/amqp/payload.ts";
import { ChatError } from "../../src/core/chat_error.ts";
import type { Message } from "../../src/gen/chatd/v1/chat.ts";
import { ClientFrame, type Item, ServerFrame } from "../../src/gen/chatd/v1/session.ts";
import { binaryFromJson } from "../../src/wire/json_messages.ts";
import { throwsWith } from "../support/checks/chat_error_assertions.ts";
import { wireMessage } from "../support/servers/wire_values.ts";

const maxBytes = 64 * 1024;

function message(text: string): Message {
  return wireMessage({ position: 1, seq: 1, id: "id", acceptedAtMs: 1, text, ordinal: 1 });
}

function fromJson(content: Buffer): ServerFrame {
  return ServerFrame.decode(binaryFromJson("chatd.v1.ServerFrame", content));
}

Deno.test("the format is protobuf unless the content type says JSON; others and encodings are refused", () => {
  assert.equal(parseFormat(undefined, undefined), "protobuf");
  assert.equal(parseFormat("application/x-protobuf", ""), "protobuf");
  assert.equal(parseFormat("Application/JSON; charset=UTF-8", "utf-8"), "json");
  for (const type of ["text/plain", "application/jsonx", "application/json; charset=latin1", "", 7, {}]) {
    throwsWith("invalid_argument", () => parseFormat(type, undefined));
  }
  throwsWith("invalid_argument", () => parseFormat("application/json", "gzip"));
});

Deno.test("payloads beyond 64 KiB and garbage are refused in both formats", () => {
  for (const format of ["protobuf", "json"] as const) {
    const options = { decoder: ClientFrame, name: "chatd.v1.ClientFrame", format };
    throwsWith("invalid_argument", () => decodePayload(new Uint8Array(maxBytes + 1), options));
    throwsWith("invalid_argument", () => decodePayload(new Uint8Array([0xff, 0xff, 0xff]), options));
  }
  assert.deepEqual(
    decodePayload(new Uint8Array(0), { decoder: ClientFrame, name: "chatd.v1.ClientFrame", format: "protobuf" }),
    { requests: [] },
  );
});

Deno.test("a frame that grows too long as JSON is divided, and only its last part moves the position and has the receipt", () => {
  const items: Item[] = Array.from({ length: 6 }, () => ({
    kind: { $case: "message", value: message("\u0001".repeat(5_000)) },
  }));
  const frame = ServerFrame.encode({ items, through: 9, receipt: 5 }).finish();
  assert.equal(serverFrames(frame, "protobuf").length, 1);
  const parts = serverFrames(frame, "json");
  assert.equal(parts.length, 6);
  for (const part of parts) assert.ok(part.length <= maxBytes);
  assert.deepEqual(parts.map((part) => fromJson(part).through), [0, 0, 0, 0, 0, 9]);
  assert.deepEqual(parts.map((part) => fromJson(part).receipt), [0, 0, 0, 0, 0, 5]);
  assert.deepEqual(parts.flatMap((part) => fromJson(part).items), items);
});

Deno.test("an answer that is too long as JSON becomes an error with its id", () => {
  const messages = Array.from({ length: 3 }, () => message("\u0001".repeat(8_000)));
  const value = { messages, firstSeq: 1, lastSeq: 3, headSeq: 3, more: false, startSeq: 1, moreAfter: false };
  const items: Item[] = [{ kind: { $case: "reply", value: { requestId: 7, result: { $case: "history", value } } } }];
  const [part] = serverFrames(ServerFrame.encode({ items, through: 0, receipt: 1 }).finish(), "json");
  const [{ kind }] = fromJson(part).items;
  assert.ok(kind?.$case === "reply" && kind.value.result?.$case === "error");
  assert.deepEqual([kind.value.requestId, kind.value.result.value.code], [7, "limit_reached"]);
});

Deno.test("an ending frame says why, and hides what is not for people", () => {
  const ended = (reason: unknown) => {
    const kind = ServerFrame.decode(endingFrame(reason)).items.at(0)?.kind;
    return kind?.$case === "sessionEnded" ? kind.value.error?.code : undefined;
  };
  assert.equal(ended(new ChatError("busy", "wait")), "busy");
  assert.equal(ended(new TypeError("secret")), "internal");
});
