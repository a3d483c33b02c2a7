import assert from "node:assert/strict";
import { Acknowledgements } from "../../src/client/acknowledgements.ts";
import { Item } from "../../src/gen/chatd/v1/session.ts";
import type { Message } from "../../src/gen/chatd/v1/chat.ts";
import { wireMessage } from "../support/wire_values.ts";

const windowBytes = 256 * 1024;

const plain = wireMessage({
  position: 1,
  conversation: `${"a".repeat(32)}:${"b".repeat(32)}`,
  seq: 1,
  id: "01890a5d-ac96-774b-bcce-b302099a8057",
  sender: "a".repeat(32),
  acceptedAtMs: 1_700_000_000_000,
  ordinal: 1,
});

const messages: Record<string, Message> = {
  "of characters of three bytes": { ...plain, text: "€".repeat(1_000) },
  "with a file": {
    ...plain,
    attachment: { name: "n".repeat(255), mediaType: "m".repeat(100), size: 1, sha256: new Uint8Array(32) },
  },
  "with reactions": {
    ...plain,
    reactions: Array.from({ length: 20 }, () => ({ emoji: "👩‍❤️‍💋‍👩", count: 300, own: true })),
  },
};

for (const [what, message] of Object.entries(messages)) {
  Deno.test(`messages ${what} are acknowledged before the server's window is full`, () => {
    const acks = new Acknowledgements();
    acks.windowBytes = windowBytes;
    const item: Item = { kind: { $case: "message", value: message } };
    const { length } = Item.encode(item).finish();
    assert.equal(acks.isDue, false);
    for (let bytes = 0; bytes < windowBytes - 2 * length; bytes += length) {
      acks.took({ items: [item], through: 1, receipt: 1 });
    }
    assert(acks.isDue);
  });
}
