import assert from "node:assert/strict";
import { serverFrames } from "../../../src/amqp/payload.ts";
import { messageRecord, roomRecord, userRecord } from "../../../src/commands/script/json_records.ts";
import { messageFormat } from "../../../src/commands/script/message_format.ts";
import type { Message } from "../../../src/core/messages/message.ts";
import { PresenceState, Role } from "../../../src/gen/chatd/v1/chat.ts";
import { binaryFromJson, jsonObject } from "../../../src/wire/json_messages.ts";
import { EncodedFrame } from "../../../src/wire/server_frame.ts";
import { encodeMessageItem } from "../../../src/wire/server_items.ts";
import { sampleEvents } from "../../support/servers/sample_events.ts";

const plain: Message = {
  position: 12,
  conversation: "ana:ben",
  seq: 7,
  acceptedAt: 1_735_689_600_000,
  id: "01941f29-7c00-7aaa-8aaa-aaaaaaaaaaaa",
  sender: "ana",
  text: "hello",
  ordinal: 5,
};

const full: Message = {
  ...plain,
  replyTo: 3,
  editedAt: 1_735_689_660_000,
  automatic: true,
  attachment: { name: "notes.txt", mediaType: "text/plain", size: 3, sha256: "00ff".repeat(16) },
  reactions: [{ emoji: "👍", count: 2, own: true }],
};

/** The message as a frame over AMQP has it. */
function overAmqp(message: Message): Record<string, unknown> {
  const frame = new EncodedFrame([encodeMessageItem(message)], { through: 0, receipt: 0 }).toBytes();
  return JSON.parse(serverFrames(frame, "json")[0].toString()).items[0].message;
}

Deno.test("a message is the proto3 JSON of the protocol, with its address and whether it is one's own", () => {
  assert.deepEqual(messageRecord(plain, "ana"), {
    position: "12",
    conversation: "ana:ben",
    seq: "7",
    id: "01941f29-7c00-7aaa-8aaa-aaaaaaaaaaaa",
    sender: "ana",
    acceptedAtMs: "1735689600000",
    text: "hello",
    ordinal: "5",
    address: "ben",
    own: true,
  });
});

Deno.test("the commands write a message as AMQP does", () => {
  const messages = [
    plain,
    full,
    { ...plain, text: "", deleted: true },
    { ...plain, text: "", withheld: true },
    ...sampleEvents.map((event) => ({ ...plain, event })),
  ];
  for (const message of messages) {
    assert.deepEqual(messageRecord(message, "ben"), { ...overAmqp(message), address: "ana" });
  }
});

Deno.test("the example in docs/scripts.md is a message with its address", async () => {
  const text = await Deno.readTextFile(new URL("../../../docs/scripts.md", import.meta.url));
  const { address, ...message } = JSON.parse(/```json\n([^`]+)```/.exec(text)![1]);
  const bytes = binaryFromJson("chatd.v1.Message", new TextEncoder().encode(JSON.stringify(message)));
  assert.deepEqual([address, jsonObject("chatd.v1.Message", bytes)], ["ben", message]);
});

Deno.test("a line of JSON is the record, and cannot harm a terminal", async () => {
  const toLine = await messageFormat({ json: true, user: "ben" });
  const message = { ...plain, text: "\u009b31m hay\u202e only" };
  assert.deepEqual(JSON.parse(toLine(message)), messageRecord(message, "ben"));
  assert.match(toLine(message), /\\u009b31m hay\\u202e only/);
  const toText = await messageFormat({ json: false, user: "ben" });
  assert.match(toText(plain), /\[ana\] 7 ana: hello$/);
});

Deno.test("a message in a room names it, and a private room differs from others of its name", async () => {
  const id = `+${"a".repeat(26)}`;
  const message = { ...plain, conversation: id };
  const toLine = await messageFormat({ json: true, user: "ben" });
  const toText = await messageFormat({ json: false, user: "ben" });
  for (const isPublic of [true, false]) {
    const record = JSON.parse(toLine(message, { name: "ops", isPublic }));
    assert.deepEqual([record.address, record.room], [id, "#ops"]);
  }
  assert.match(toText(message, { name: "ops", isPublic: true }), / \[#ops\] 7 ana: hello$/);
  assert.ok(toText(message, { name: "ops", isPublic: false }).endsWith(` [#ops ${id}] 7 ana: hello`));
  assert.ok(toText(message).endsWith(` [${id}] 7 ana: hello`));
});

Deno.test("users and rooms are proto3 JSON too", () => {
  const ana = { name: "ana", online: true, state: PresenceState.AWAY, lastSeenMs: 5, displayName: "Ana", status: "" };
  assert.deepEqual(userRecord(ana), {
    name: "ana",
    online: true,
    lastSeenMs: "5",
    state: "PRESENCE_STATE_AWAY",
    displayName: "Ana",
  });
  const id = `+${"a".repeat(26)}`;
  const room = {
    id,
    name: "ops",
    topic: "",
    historyVisible: false,
    members: 2,
    createdAtMs: 9,
    mentionAll: Role.OWNER,
  };
  const { address, invitedBy, createdAtMs, members } = roomRecord({ ...room, public: false }, { invitedBy: "ben" });
  assert.deepEqual([address, invitedBy, createdAtMs, members], [id, "ben", "9", 2]);
  const record = roomRecord({ ...room, public: true });
  assert.deepEqual([record.address, record.mentionAll], ["#ops", "ROLE_OWNER"]);
});
