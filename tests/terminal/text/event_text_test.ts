import assert from "node:assert/strict";
import { eventText } from "../../../src/terminal/text/event_text.ts";
import { sampleEvents } from "../../support/servers/sample_events.ts";

const entry = { position: 9, conversation: "+room", seq: 9, acceptedAt: 0, id: "id", sender: "ana", ordinal: 8 };

Deno.test("an event of each kind has a text of its own", () => {
  const texts = sampleEvents.map((event) => eventText({ ...entry, text: "ops", event }));
  assert.equal(new Set(texts).size, sampleEvents.length);
  for (const text of texts) assert.match(text, /^[a-z]/);
});

Deno.test("a pin quotes a line of the message where that is known", () => {
  const event = { kind: "pinned", target: 12, removed: false } as const;
  assert.equal(eventText({ ...entry, text: "", event }), "pinned 12");
  assert.equal(eventText({ ...entry, text: "", event }, { quote: "the door code" }), "pinned 12: “the door code”");
});

Deno.test("the text of a message is its own", () => {
  assert.equal(eventText({ ...entry, text: "hello" }), "hello");
});
