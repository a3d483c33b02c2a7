import assert from "node:assert/strict";
import type { Message } from "../../../src/core/messages/message.ts";
import { MessagePane } from "../../../src/terminal/full_screen/message_pane.ts";
import { MessageWindow } from "../../../src/terminal/full_screen/message_window.ts";
import { noDetails } from "../../../src/terminal/text/message_details.ts";
import { choosePalette } from "../../../src/terminal/full_screen/palette.ts";

function entry(seq: number): Message {
  return {
    position: seq,
    conversation: "ana:ben",
    seq,
    id: `id-${seq}`,
    sender: "ben",
    acceptedAt: 0,
    text: `text ${seq}${seq % 3 === 0 ? " and some more, so that it takes two rows" : ""}`,
    ordinal: seq,
  };
}

function paneWith(count: number) {
  const window = new MessageWindow({ me: "ana" });
  const messages = Array.from({ length: count }, (_, i) => entry(i + 1));
  window.addNewest({ messages, headSeq: count, more: false, moreAfter: false });
  const palette = choosePalette({ noColor: undefined, term: "dumb" });
  return { window, pane: new MessagePane({ me: "ana", palette, window, details: noDetails }) };
}

const size = { columns: 40, rows: 10 };

Deno.test("a pane shows the newest at its bottom, and follows arriving messages", () => {
  const { window, pane } = paneWith(50);
  assert.match(pane.view(size).rows.at(-1)!, /text 50$/);
  window.arrived(entry(52));
  const { rows, atNewest } = pane.view(size);
  assert.match(rows.at(-1)!, /text 52$/);
  assert.deepEqual([rows.length, atNewest], [10, true]);
});

Deno.test("scrolled up, a pane stays where it is while messages arrive", () => {
  const { window, pane } = paneWith(50);
  assert.equal(pane.scroll(8, size), true);
  const before = pane.view(size);
  window.arrived(entry(52));
  assert.deepEqual(pane.view(size).rows, before.rows);
  assert.equal(pane.view(size).atNewest, false);
  while (pane.scroll(-3, size));
  assert.match(pane.view(size).rows.at(-1)!, /text 52$/);
  assert.equal(pane.follows, true);
});

Deno.test("every row is seen when one scrolls row by row, and the top is the end", () => {
  const { pane } = paneWith(20);
  const whole = pane.view({ ...size, rows: 1_000 }).rows;
  for (let above = whole.length - size.rows; above >= 0; above--) {
    assert.deepEqual(pane.view(size).rows, whole.slice(above, above + size.rows));
    pane.scroll(1, size);
  }
  assert.equal(pane.scroll(1, size), false);
  assert.equal(pane.view(size).atOldest, true);
});

Deno.test("a line marks where unread messages begin", () => {
  const { pane } = paneWith(5);
  pane.unreadAfter = 4;
  assert.deepEqual(
    pane.view(size).rows.slice(-2).map((row) => row.replace(/\d\d:\d\d /, "")),
    ["─── unread ".padEnd(40, "─"), "5 ben: text 5"],
  );
});
