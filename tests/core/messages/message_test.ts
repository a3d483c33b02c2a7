import assert from "node:assert/strict";
import {
  checkText,
  conversationAddress,
  directConversation,
  directMembers,
  maxEncodedTextBytes,
  maxTextBytes,
} from "../../../src/core/messages/message.ts";
import { throwsWith } from "../../support/checks/chat_error_assertions.ts";

Deno.test("a text is 1 byte to 16 KiB of UTF-8", () => {
  for (const [unit, bytes] of [["a", 1], ["é", 2], ["€", 3], ["😀", 4]] as const) {
    const most = unit.repeat(Math.floor(maxTextBytes / bytes));
    checkText(unit);
    checkText(most);
    throwsWith("invalid_argument", () => checkText(most + unit));
  }
  throwsWith("invalid_argument", () => checkText(""));
});

Deno.test("a text may have NUL, byte order marks and direction overrides", () => {
  for (const text of ["\u0000", "a\ufeff", "a\u202e", " a", "\n."]) checkText(text);
});

Deno.test("a text without a visible character is refused", () => {
  for (const text of [" ", "\n\t", "\u200b", "\ufeff", "\u2800", "\u3164", "\u00ad \u2060", "\u{e0041}", "\u202e"]) {
    throwsWith("invalid_argument", () => checkText(text));
  }
});

Deno.test("a text with half of a surrogate pair is refused", () => {
  for (const text of ["\ud83d", "\ude00", "a\ud83d", "\ude00\ud83d", "😀\ud83d"]) {
    throwsWith("invalid_argument", () => checkText(text));
  }
});

Deno.test("a text has at most 48 KiB in JSON", () => {
  const controls = maxEncodedTextBytes / 6;
  checkText("\u0001".repeat(controls));
  throwsWith("invalid_argument", () => checkText("\u0001".repeat(controls) + "a"));
  throwsWith("invalid_argument", () => checkText("\u0001".repeat(controls + 1)));
  checkText('"'.repeat(maxTextBytes));
});

Deno.test("a direct conversation has one id for both users, and each addresses it by the other's name", () => {
  assert.equal(directConversation("ben", "ana"), "ana:ben");
  assert.equal(directConversation("ana", "ben"), "ana:ben");
  assert.equal(directConversation("a.b", "a"), "a:a.b");
  assert.deepEqual(directMembers("ana:ben"), ["ana", "ben"]);
  assert.equal(conversationAddress("ana:ben", "ana"), "ben");
  assert.equal(conversationAddress("ana:ben", "ben"), "ana");
});

Deno.test("a conversation with oneself has one member", () => {
  assert.equal(directConversation("ana", "ana"), "ana:ana");
  assert.deepEqual(directMembers("ana:ana"), ["ana"]);
  assert.equal(conversationAddress("ana:ana", "ana"), "ana");
});
