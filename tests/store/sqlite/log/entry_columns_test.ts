import assert from "node:assert/strict";
import { sampleEvents } from "../../../support/servers/sample_events.ts";
import { encodeText } from "../../../../src/store/shared/column_values.ts";
import { eventColumns, kindCodes } from "../../../../src/store/shared/entry_columns.ts";
import { type EntryRow, toMessage } from "../../../../src/store/shared/entry_row.ts";

const entry = {
  position: 12,
  conversation: "ana:ben",
  seq: 9,
  sender: "ana",
  id: "01941f297c007aaa8aaaaaaaaaaaaaaa",
  accepted_at: 1_735_689_600_000,
  ordinal: 8,
  edited_at: null,
  deleted: 0,
  automatic: 0,
  audience: 0,
  named_since: null,
};

function readBack({ text, ...columns }: ReturnType<typeof eventColumns>) {
  return toMessage({ ...entry, ...columns, text: encodeText(text) } satisfies EntryRow);
}

Deno.test("an event of each kind is the same after the store", () => {
  for (const event of sampleEvents) assert.deepEqual(readBack(eventColumns(event, "ops")).event, event);
});

Deno.test("each value of entry.kind stands for one kind of event", () => {
  const used = new Set(sampleEvents.map((event) => eventColumns(event, "").kind));
  const known = Object.values(kindCodes).filter((code) => code !== kindCodes.message);
  assert.deepEqual([...used].sort((one, other) => one - other), known);
});

Deno.test("the emoji of a reaction is not the text of its entry", () => {
  const columns = eventColumns({ kind: "reacted", target: 7, emoji: "👍", removed: false }, "");
  assert.equal(readBack(columns).text, "");
});

Deno.test("an entry of a kind that this program does not know is an error that names it", () => {
  assert.throws(() => readBack({ kind: 99, target: null, subject: null, text: "" }), /kind 99/);
});
