import assert from "node:assert/strict";
import type { LogEvent } from "../../../src/core/messages/log_event.ts";
import type { Message } from "../../../src/core/messages/message.ts";
import { MessageWindow, type Page } from "../../../src/terminal/full_screen/message_window.ts";

function entry(seq: number, more: Partial<Message> = {}): Message {
  return {
    position: seq,
    conversation: "ana:ben",
    seq,
    id: `id-${seq}`,
    sender: "ben",
    acceptedAt: seq,
    text: `text ${seq}`,
    ordinal: seq,
    ...more,
  };
}

function page(first: number, last: number, more: Partial<Page> = {}): Page {
  const messages = Array.from({ length: last - first + 1 }, (_, i) => entry(first + i));
  return { messages, headSeq: last, more: first > 1, moreAfter: false, ...more };
}

function event(seq: number, event: LogEvent, more: Partial<Message> = {}): Message {
  return entry(seq, { event, text: "", ...more });
}

function texts(window: MessageWindow): string[] {
  return window.items.map(({ message, note }) => message?.text ?? `note ${note!.lines[0]}`);
}

const bigWindow = () => new MessageWindow({ me: "ana" });

Deno.test("a window holds pages and arriving messages, each once and in order", () => {
  const window = bigWindow();
  window.arrived(entry(12));
  window.addNewest(page(5, 11));
  window.arrived(entry(11));
  window.arrived(entry(13));
  window.addOlder(page(1, 4, { headSeq: 13 }));
  assert.deepEqual(window.items.map(({ seq }) => seq), Array.from({ length: 13 }, (_, i) => i + 1));
  assert.equal(window.hasOlder, false);
});

Deno.test("a full window drops the oldest messages as others arrive, and can load them again", () => {
  const window = new MessageWindow({ me: "ana", limit: 100 });
  window.addNewest(page(1, 100));
  for (let seq = 101; seq <= 10_000; seq++) {
    window.arrived(entry(seq));
    assert.ok(window.items.length <= 110);
  }
  assert.equal(window.lastSeq, 10_000);
  assert.equal(window.hasOlder, true);
  const first = window.firstSeq;
  window.addOlder(page(first - 50, first - 1, { headSeq: 10_000 }));
  assert.equal(window.firstSeq, first - 50);
  assert.ok(window.items.length <= 100);
});

Deno.test("scrolled up in a full window, the newest are dropped and arriving messages wait for a page", () => {
  const window = new MessageWindow({ me: "ana", limit: 10 });
  window.addNewest(page(11, 20));
  window.addOlder(page(6, 10, { headSeq: 20 }));
  assert.deepEqual([window.firstSeq, window.lastSeq, window.hasNewer], [6, 15, true]);
  window.arrived(entry(21));
  assert.deepEqual([window.lastSeq, window.head], [15, 21]);
  window.addNewer(page(16, 21));
  assert.deepEqual([window.lastSeq, window.hasNewer, window.hasOlder], [21, false, true]);
});

Deno.test("an entry that arrives between the reading of a page and its reply is left to the next page", () => {
  const scrolledUp = () => {
    const window = new MessageWindow({ me: "ana", limit: 10 });
    window.addNewest(page(11, 20));
    window.addOlder(page(6, 10, { headSeq: 20 }));
    assert.equal(window.hasNewer, true);
    window.arrived(entry(21));
    return window;
  };
  const ways = [
    (window: MessageWindow) => window.addNewer(page(16, 20)),
    (window: MessageWindow) => window.addNewest(page(11, 20)),
  ];
  for (const add of ways) {
    const window = scrolledUp();
    add(window);
    assert.equal(window.hasNewer, true);
    window.addNewest(page(11, 21));
    assert.equal(window.hasNewer, false);
    assert.equal(window.lastSeq, 21);
  }
});

Deno.test("a message names all members as long as its newest text does", () => {
  const window = bigWindow();
  const audiences = () => window.items.map(({ message }) => message?.audience);
  window.addNewest({ ...page(1, 1), messages: [entry(1, { audience: "room" })] });
  window.arrived(event(2, { kind: "edited", target: 1 }, { text: "never mind" }));
  assert.deepEqual(audiences(), [undefined]);
  window.arrived(event(3, { kind: "edited", target: 1 }, { text: "@here", audience: "here" }));
  assert.deepEqual(audiences(), ["here"]);
  window.arrived(event(4, { kind: "deleted", target: 1 }));
  assert.deepEqual(audiences(), [undefined]);
});

Deno.test("a newest page that leaves a gap replaces the older messages", () => {
  const window = bigWindow();
  window.addNewest(page(1, 20));
  window.addNewest(page(51, 100));
  assert.deepEqual([window.firstSeq, window.lastSeq, window.hasOlder], [51, 100, true]);
});

Deno.test("a pin is an item of its own, and seen in the message until it is removed or the message deleted", () => {
  const window = bigWindow();
  window.addNewest(page(1, 3));
  const pinned = () => window.items.filter(({ message }) => message?.pinned).map(({ seq }) => seq);
  window.arrived(event(4, { kind: "pinned", target: 2, removed: false }));
  window.arrived(event(5, { kind: "pinned", target: 3, removed: false }));
  assert.deepEqual([pinned(), window.items.map(({ seq }) => seq)], [[2, 3], [1, 2, 3, 4, 5]]);
  window.arrived(event(6, { kind: "pinned", target: 2, removed: true }));
  assert.deepEqual(pinned(), [3]);
  window.arrived(event(7, { kind: "deleted", target: 3 }));
  assert.deepEqual(pinned(), []);
});

Deno.test("edits, deletions and reactions are seen in the message", () => {
  const window = bigWindow();
  window.addNewest(page(1, 3));
  window.arrived(event(4, { kind: "edited", target: 1 }, { text: "better" }));
  window.arrived(event(5, { kind: "reacted", target: 2, emoji: "👍", removed: false }));
  window.arrived(event(6, { kind: "reacted", target: 2, emoji: "👍", removed: false }, { sender: "ana" }));
  window.arrived(event(7, { kind: "deleted", target: 3 }));
  const [edited, reacted, deleted] = window.items.map(({ message }) => message!);
  assert.deepEqual([edited.text, edited.editedAt], ["better", 4]);
  assert.deepEqual(reacted.reactions, [{ emoji: "👍", count: 2, own: true }]);
  assert.deepEqual([deleted.text, deleted.deleted], ["", true]);
  assert.equal(window.items.length, 3);
  window.arrived(event(8, { kind: "reacted", target: 2, emoji: "👍", removed: true }));
  window.arrived(event(9, { kind: "reacted", target: 2, emoji: "👍", removed: true }, { sender: "ana" }));
  assert.deepEqual(window.items[1].message!.reactions, []);
});

Deno.test("a message that was edited twice has no text until its newest edit arrives", () => {
  const window = bigWindow();
  window.addNewest(page(1, 1));
  window.arrived(event(2, { kind: "edited", target: 1 }, { text: "", withheld: true }));
  const [hidden] = window.items.map(({ message }) => message!);
  assert.deepEqual([hidden.text, hidden.withheld], ["", true]);
  window.arrived(event(3, { kind: "edited", target: 1 }, { text: "newest" }));
  const [shown] = window.items.map(({ message }) => message!);
  assert.deepEqual([shown.text, shown.withheld], ["newest", undefined]);
});

Deno.test("a reaction that a page includes is not counted again when it arrives", () => {
  const window = bigWindow();
  const reactions = [{ emoji: "🎉", count: 1, own: false }];
  const messages = [entry(1, { reactions })];
  window.addNewest({ messages, headSeq: 2, more: false, moreAfter: false });
  window.arrived(event(2, { kind: "reacted", target: 1, emoji: "🎉", removed: false }));
  assert.deepEqual(window.items[0].message!.reactions, reactions);
});

Deno.test("notes stay where they were said, and are bounded", () => {
  const window = bigWindow();
  window.addNewest(page(1, 2));
  window.note({ lines: ["a"] });
  window.note({ lines: ["b"] });
  window.arrived(entry(3));
  assert.deepEqual(texts(window), ["text 1", "text 2", "note a", "note b", "text 3"]);
  window.arrived(entry(2));
  assert.equal(window.items.length, 5);
  for (let i = 0; i < 5_000; i++) window.note({ lines: ["more"] });
  assert.ok(window.items.length < 1_010);
  assert.equal(window.lastSeq, 3);
});

Deno.test("notes of an empty window go below its first page, and stay above messages that followed them", () => {
  const late = bigWindow();
  late.note({ lines: ["connected"] });
  late.addNewest(page(1, 2));
  assert.deepEqual(texts(late), ["text 1", "text 2", "note connected"]);

  const empty = bigWindow();
  empty.note({ lines: ["no messages"] });
  empty.addNewest({ messages: [], headSeq: 0, more: false, moreAfter: false });
  empty.arrived(entry(1));
  empty.addNewest(page(1, 2));
  assert.deepEqual(texts(empty), ["note no messages", "text 1", "text 2"]);
});

Deno.test("notes below the newest message leave for another part of the log, and come back with the newest", () => {
  const window = bigWindow();
  window.addNewest(page(201, 300));
  window.note({ lines: ["about 300"] });
  window.replace(page(1, 100, { headSeq: 300, moreAfter: true }));
  window.note({ lines: ["about 50"] }, 50);
  assert.deepEqual(texts(window).slice(49, 51), ["text 50", "note about 50"]);
  assert.equal(texts(window).at(-1), "text 100");
  window.replace(page(41, 140, { headSeq: 300, moreAfter: true }));
  assert.equal(texts(window)[10], "note about 50");
  window.addNewer(page(141, 300));
  assert.deepEqual(texts(window).slice(-2), ["text 300", "note about 300"]);
});

Deno.test("a cleared window shows what arrives, and older messages once they are asked for", () => {
  const window = bigWindow();
  window.addNewest(page(1, 10));
  window.note({ lines: ["old note"] });
  window.clear(window.head);
  window.addNewest(page(1, 10));
  assert.deepEqual(texts(window), []);
  window.arrived(entry(11));
  window.addNewest(page(1, 12));
  assert.deepEqual(texts(window), ["text 11", "text 12"]);
  assert.equal(window.hasOlder, true);
  window.addOlder(page(1, 10, { headSeq: 12 }));
  assert.equal(texts(window).length, 12);
});
