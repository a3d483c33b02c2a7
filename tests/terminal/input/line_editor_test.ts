import assert from "node:assert/strict";
import fc from "fast-check";
import type { KeyCommand } from "../../../src/terminal/input/key_decoder.ts";
import { type EditorKey, LineEditor } from "../../../src/terminal/input/line_editor.ts";

type Step = KeyCommand | { text: string } | { paste: string };

function toKey(step: Step): EditorKey {
  if (typeof step === "string") return { kind: "command", command: step };
  return "text" in step ? { kind: "text", text: step.text } : { kind: "paste", text: step.paste };
}

function edited(...steps: Step[]): string {
  const editor = new LineEditor({ complete: (before) => ["/help ", "/history "].filter((c) => c.startsWith(before)) });
  for (const step of steps) editor.apply(toKey(step));
  return `${editor.text.slice(0, editor.cursor)}|${editor.text.slice(editor.cursor)}`;
}

Deno.test("keys edit at the cursor", () => {
  const hello = { text: "hello world" };
  assert.equal(edited(hello, "word-left", "word-left"), "|hello world");
  assert.equal(edited(hello, "word-left"), "hello |world");
  assert.equal(edited(hello, "start", "word-right"), "hello| world");
  assert.equal(edited(hello, "erase-word-left"), "hello |");
  assert.equal(edited(hello, "word-left", "erase-to-start"), "|world");
  assert.equal(edited(hello, "word-left", "erase-to-end", "start", "yank"), "world|hello ");
  assert.equal(edited(hello, "left", "left", { text: "X" }), "hello worX|ld");
  assert.equal(edited(hello, "start", "erase-right", "end-of-input"), "|llo world");
  assert.equal(edited(hello, "interrupt"), "|");
});

Deno.test("a grapheme is moved over and erased as one", () => {
  for (const character of ["漢", "👩‍👩‍👧‍👦", "🇩🇪", "e\u0301", "👍🏽"]) {
    assert.equal(edited({ text: `a${character}b` }, "left", "left"), `a|${character}b`);
    assert.equal(edited({ text: `a${character}b` }, "left", "erase-left"), "a|b");
    assert.equal(edited({ text: `a${character}b` }, "start", "right", "erase-right"), "a|b");
  }
});

Deno.test("start, end and erasing keep to the line of a draft with several", () => {
  const draft = { paste: "one\ntwo\nthree" };
  assert.equal(edited(draft, "start"), "one\ntwo\n|three");
  assert.equal(edited(draft, "start", "left", "start"), "one\n|two\nthree");
  assert.equal(edited(draft, "start", "left", "start", "erase-to-end"), "one\n|\nthree");
});

Deno.test("a paste is put in as it is, without newlines at its end and without controls", () => {
  assert.equal(edited({ text: "a" }, { paste: "b\n\tc\x1b[2J\n\n" }), "ab\n\tc[2J|");
});

Deno.test("submitted lines come back with up, and the unsent draft with down", () => {
  const one: Step[] = [{ text: "one" }, "submit", { text: "two" }, "submit", { text: "unsent" }];
  assert.equal(edited(...one, "up"), "two|");
  assert.equal(edited(...one, "up", "up", "up"), "one|");
  assert.equal(edited(...one, "up", "up", "down", "down"), "unsent|");
});

Deno.test("tab completes as far as it is clear", () => {
  assert.equal(edited({ text: "/h" }, "complete"), "/h|");
  assert.equal(edited({ text: "/he" }, "complete"), "/help |");
  assert.equal(edited({ text: "/x" }, "complete"), "/x|");
});

Deno.test("submit returns the draft and empties it; the end of the input is reported only for an empty draft", () => {
  const editor = new LineEditor();
  editor.apply({ kind: "text", text: "hi" });
  assert.deepEqual(editor.apply({ kind: "command", command: "submit" }), { kind: "submit", text: "hi" });
  assert.equal(editor.text, "");
  assert.deepEqual(editor.apply({ kind: "command", command: "end-of-input" }), { kind: "end-of-input" });
  assert.deepEqual(editor.apply({ kind: "command", command: "interrupt" }), { kind: "interrupt" });
});

Deno.test("any keys leave the draft well-formed and the cursor at the edge of a character", () => {
  const commands: KeyCommand[] = [
    ..."left right word-left word-right start end up down submit newline yank undo interrupt".split(" "),
    ..."erase-left erase-right erase-word-left erase-word-right erase-to-start erase-to-end".split(" "),
  ] as KeyCommand[];
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.constantFrom(...commands),
    fc.record({ text: fc.string({ unit: "grapheme", maxLength: 4 }) }),
    fc.record({ text: fc.constantFrom("\u0301", "\u200d", "👩", "🇩", "\ud83d", "\udc69") }),
    fc.record({ paste: fc.string({ unit: "binary", maxLength: 6 }) }),
  );
  const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const editor = new LineEditor({ maxLength: 50 });
      for (const each of steps) {
        editor.apply(toKey(each));
        assert.ok(editor.text.isWellFormed());
        assert.ok(editor.text.length <= 50);
        const edges = [...graphemes.segment(editor.text)].map(({ index }) => index).concat(editor.text.length);
        assert.ok(edges.includes(editor.cursor), `${JSON.stringify(editor.text)} at ${editor.cursor}`);
      }
    }),
    { numRuns: 500 },
  );
});

/** An editor of an input line with "> " before it, of which a row has ten cells. */
function narrowEditor(...steps: Step[]): LineEditor {
  const editor = new LineEditor({ shape: () => ({ prompt: "> ", columns: 11 }) });
  for (const step of steps) editor.apply(toKey(step));
  return editor;
}

function withCursor({ text, cursor }: LineEditor): string {
  return `${text.slice(0, cursor)}|${text.slice(cursor)}`;
}

Deno.test("up and down move by the rows of a wrapped draft, and keep their column over a shorter row", () => {
  // "> abcdefgh", "ijklmnopqr", "st", "", "uvwxyz"
  const draft = { paste: "abcdefghijklmnopqrst\n\nuvwxyz" };
  const seen = [];
  const editor = narrowEditor(draft, "left");
  for (let i = 0; i < 4; i++) {
    editor.apply(toKey("up"));
    seen.push(editor.text[editor.cursor] ?? "end");
  }
  assert.deepEqual(seen, ["\n", "\n", "n", "d"]);
  editor.apply(toKey("down"));
  editor.apply(toKey("down"));
  assert.equal(withCursor(editor), "abcdefghijklmnopqrst|\n\nuvwxyz");
  editor.apply(toKey("down"));
  editor.apply(toKey("down"));
  assert.equal(withCursor(editor), "abcdefghijklmnopqrst\n\nuvwxy|z");
});

Deno.test("another key forgets the column of up and down", () => {
  const editor = narrowEditor({ paste: "abcdef\ng\nhijklm" }, "up", "left", "up");
  assert.equal(withCursor(editor), "|abcdef\ng\nhijklm");
});

Deno.test("up and down over wide characters land between them", () => {
  // The prompt takes two cells: "> 漢字漢字", then "abcdef".
  const editor = narrowEditor({ paste: "漢字漢字\nabcde" }, "up");
  assert.equal(withCursor(editor), "漢|字漢字\nabcde");
});

Deno.test("recall begins at the first row of a draft, and ends at the last", () => {
  const editor = narrowEditor({ text: "sent" }, "submit", { paste: "one\ntwo" });
  editor.apply(toKey("up"));
  assert.equal(editor.text, "one\ntwo");
  editor.apply(toKey("up"));
  assert.equal(editor.text, "sent");
  editor.apply(toKey("down"));
  assert.equal(withCursor(editor), "one\ntwo|");
});

Deno.test("a recalled line of several rows is left at its own edges", () => {
  const editor = narrowEditor({ text: "older" }, "submit", { paste: "one\ntwo" }, "submit", "up", "up");
  assert.equal(editor.text, "one\ntwo");
  editor.apply(toKey("up"));
  assert.equal(editor.text, "older");
});

Deno.test("undo takes back words, cuts, pastes, completions and recalls, the last one first", () => {
  assert.equal(edited(...typed("one two"), "undo"), "one |");
  assert.equal(edited(...typed("one two"), "undo", "undo", "undo"), "|");
  assert.equal(edited(...typed("one"), "erase-to-start", "undo"), "one|");
  assert.equal(edited(...typed("one"), "erase-left", "erase-left", "undo"), "one|");
  assert.equal(edited(...typed("one "), { paste: "two" }, "undo"), "one |");
  assert.equal(edited(...typed("/he"), "complete", "undo"), "/he|");
  assert.equal(edited(...typed("one"), "erase-word-left", "yank", "yank", "undo"), "one|");
  assert.equal(edited({ text: "sent" }, "submit", ...typed("draft"), "up", "undo"), "draft|");
  assert.equal(edited({ text: "sent" }, "submit", ...typed("draft"), "up", "undo", "up", "down"), "draft|");
});

Deno.test("undo brings a cleared draft back, with its cursor", () => {
  assert.equal(edited(...typed("one two"), "word-left", "interrupt", "undo"), "one |two");
});

Deno.test("characters that were typed in two places are two steps", () => {
  assert.equal(edited(...typed("ab"), "start", ...typed("cd"), "undo"), "|ab");
});

Deno.test("undo brings nothing back that was sent, and nothing of another draft", () => {
  assert.equal(edited(...typed("sent"), "submit", "undo"), "|");
  const editor = narrowEditor(...typed("for ben"));
  editor.setText("for cat");
  editor.apply(toKey("undo"));
  assert.equal(editor.text, "for cat");
});

Deno.test("undo of a recall brings the draft back, and what is sent after that comes back as a recalled line alone", () => {
  const editor = narrowEditor({ text: "sent" }, "submit", ...typed("draft"), "up", "undo", "submit");
  assert.equal(editor.text, "");
  assert.equal(editor.draft, "");
  editor.apply(toKey("undo"));
  assert.equal(editor.draft, "");
  for (const step of ["up", "up", "down", "down"] as const) editor.apply(toKey(step));
  assert.equal(editor.text, "");
});

Deno.test("undo brings an edited line of the recall back, while the draft waits", () => {
  const editor = narrowEditor({ text: "sent" }, "submit", ...typed("draft"), "up", "erase-to-start", "undo");
  assert.equal(editor.text, "sent");
  assert.equal(editor.draft, "draft");
  editor.apply(toKey("down"));
  assert.equal(editor.text, "draft");
});

Deno.test("a line that a search finds can be undone", () => {
  const editor = narrowEditor({ text: "sent" }, "submit", ...typed("draft"));
  editor.recall("sent");
  assert.equal(editor.text, "sent");
  editor.apply(toKey("undo"));
  assert.equal(withCursor(editor), "draft|");
  assert.equal(editor.draft, "draft");
});

Deno.test("undo does not lose a text that was put back while a line was recalled", () => {
  const editor = narrowEditor({ text: "sent" }, "submit", "up");
  assert.equal(editor.restore("refused"), true);
  editor.apply(toKey("undo"));
  assert.equal(editor.draft, "refused");
});

Deno.test("a text that becomes the draft while a line is recalled is the whole draft", () => {
  const editor = narrowEditor({ text: "sent" }, "submit", ...typed("one"), "up");
  editor.setText("two");
  assert.equal(editor.draft, "two");
});

/** The keys of a text that is typed. */
function typed(text: string): Step[] {
  return [...text].map((character) => ({ text: character }));
}
