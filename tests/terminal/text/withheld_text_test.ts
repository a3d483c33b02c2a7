import assert from "node:assert/strict";
import { messageText } from "../../../src/commands/script/message_text.ts";
import type { Attachment, Message } from "../../../src/core/messages/message.ts";
import { ConversationNames } from "../../../src/terminal/chat/conversations/conversation_names.ts";
import { eventText } from "../../../src/terminal/text/event_text.ts";
import { messageRows } from "../../../src/terminal/full_screen/message_text.ts";
import { choosePalette } from "../../../src/terminal/full_screen/palette.ts";
import { chooseStyle } from "../../../src/terminal/text/style.ts";
import { Transcript } from "../../../src/terminal/text/transcript.ts";

const standIn = "(edited; the new text is hidden from you)";
const attachment: Attachment = { name: "notes.txt", mediaType: "text/plain", size: 3, sha256: "ab".repeat(32) };

function withheld(rest: Partial<Message> = {}): Message {
  return {
    position: 12,
    conversation: "ana:ben",
    seq: 12,
    id: "id-12",
    sender: "ben",
    acceptedAt: 0,
    text: "",
    ordinal: 12,
    editedAt: 5,
    withheld: true,
    ...rest,
  };
}

function faces(message: Message): string[] {
  const transcript = new Transcript({
    me: "ana",
    names: new ConversationNames("ana"),
    style: chooseStyle({ noColor: undefined, term: "dumb" }),
  });
  const palette = choosePalette({ noColor: undefined, term: "dumb" });
  return [
    transcript.message(message, "ana:ben").slice(1).join("\n"),
    messageRows(message, { me: "ana", palette, columns: 200, markdown: true }).join("\n"),
    messageText(message, "ana"),
  ];
}

Deno.test("a withheld text has a stand-in on every face, and its file a row of its own", () => {
  for (const shown of faces(withheld())) assert.ok(shown.endsWith(`ben: ${standIn}`), shown);
  for (const shown of faces(withheld({ attachment }))) {
    assert.match(shown, /\(edited; the new text is hidden from you\)\n +\[file notes\.txt/);
  }
});

Deno.test("a deleted message is shown as deleted, not as withheld", () => {
  for (const shown of faces(withheld({ withheld: undefined, deleted: true }))) {
    assert.ok(shown.endsWith("(deleted)"), shown);
  }
});

Deno.test("an edit that another edit followed says so", () => {
  const edit = withheld({ event: { kind: "edited", target: 7 }, editedAt: undefined });
  assert.equal(eventText(edit), "edited 7, which was edited again later");
  for (const shown of faces(edit)) assert.ok(shown.endsWith("* ben edited 7, which was edited again later"), shown);
});
