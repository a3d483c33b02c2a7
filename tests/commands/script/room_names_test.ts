import assert from "node:assert/strict";
import { RoomNames } from "../../../src/commands/script/room_names.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import type { Message } from "../../../src/core/messages/message.ts";
import { Conversation, Room } from "../../../src/gen/chatd/v1/chat.ts";

const id = `+${"a".repeat(26)}`;

const room = { ...Room.decode(new Uint8Array()), id, name: "ops", public: true, members: 1, createdAtMs: 1 };
const conversation = { ...Conversation.decode(new Uint8Array()), room };

function message(fields: Partial<Message> = {}): Message {
  return {
    position: 1,
    conversation: id,
    seq: 1,
    acceptedAt: 1,
    id: "x",
    sender: "ana",
    text: "",
    ordinal: 1,
    ...fields,
  };
}

Deno.test("the server is asked for a room once, and a rename is followed", async () => {
  const asked: string[] = [];
  const names = new RoomNames((address) => {
    asked.push(address);
    return Promise.resolve(conversation);
  });
  assert.deepEqual(await names.of(message()), { name: "ops", isPublic: true });
  assert.deepEqual(await names.of(message()), { name: "ops", isPublic: true });
  assert.equal(await names.of(message({ conversation: "ana:ben" })), undefined);
  assert.deepEqual(asked, [id]);
  names.learn(message({ text: "boss", event: { kind: "room_changed", isPublic: false } as Message["event"] }));
  assert.deepEqual(await names.of(message()), { name: "boss", isPublic: false });
});

Deno.test("a room that the server does not tell has no name, and a failing server is an error", async () => {
  const failing = (code: "not_found" | "unavailable") =>
    new RoomNames(() => Promise.reject(new ChatError(code, "No."))).of(message());
  assert.equal(await failing("not_found"), undefined);
  await assert.rejects(failing("unavailable"), { code: "unavailable" });
});
