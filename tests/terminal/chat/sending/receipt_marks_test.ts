import assert from "node:assert/strict";
import type { Message } from "../../../../src/core/messages/message.ts";
import { ReceiptMarks } from "../../../../src/terminal/chat/sending/receipt_marks.ts";

const room = `+${"a".repeat(26)}`;

function message(seq: number, change: Partial<Message> = {}): Message {
  const ids = { id: "", position: seq, seq, ordinal: seq, acceptedAt: 0 };
  return { ...ids, conversation: "ana:ben", sender: "ana", text: "hello", ...change };
}

Deno.test("marks between two users show delivered and read, and never go back", () => {
  const marks = new ReceiptMarks({ me: "ana" });
  const shown = () => [1, 2, 3].map((seq) => marks.of(message(seq)));
  assert.deepEqual(shown(), ["", "", ""]);
  marks.heard({ kind: "receipt", conversation: "ana:ben", user: "ben", readSeq: 0, deliveredSeq: 2 });
  assert.deepEqual(shown(), ["✓", "✓", ""]);
  marks.heard({ kind: "receipt", conversation: "ana:ben", user: "ben", readSeq: 1, deliveredSeq: 0 });
  assert.deepEqual(shown(), ["✓✓", "✓", ""]);
});

Deno.test("only own messages are marked, by the receipts of others", () => {
  const marks = new ReceiptMarks({ me: "ana" });
  marks.heard({ kind: "receipt", conversation: "ana:ben", user: "ana", readSeq: 9, deliveredSeq: 9 });
  assert.equal(marks.of(message(1)), "");
  marks.heard({ kind: "receipt", conversation: "ana:ben", user: "ben", readSeq: 9, deliveredSeq: 9 });
  assert.equal(marks.of(message(1, { sender: "ben" })), "");
  assert.equal(marks.of(message(1, { deleted: true })), "");
  assert.equal(marks.of(message(1, { event: { kind: "edited", target: 1 } })), "");
});

Deno.test("in a room it is told how many others have read a message", () => {
  const marks = new ReceiptMarks({ me: "ana" });
  // 1 read up to 9, 2 more up to 7, and 2 more up to 4: among them ana.
  const counts = [{ seq: 9, readers: 1 }, { seq: 7, readers: 3 }, { seq: 4, readers: 5 }];
  marks.heard({ kind: "room_receipts", conversation: room, counts });
  const shown = [10, 9, 8, 7, 5, 4, 1].map((seq) => marks.of(message(seq, { conversation: room })));
  assert.deepEqual(shown, ["", "", "", "read by 2", "read by 2", "read by 4", "read by 4"]);
});
