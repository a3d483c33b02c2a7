import assert from "node:assert/strict";
import { findMultiplexer, passThrough } from "../../../src/terminal/text/multiplexer.ts";

Deno.test("the multiplexer is known by its variable, and tmux comes first", () => {
  assert.equal(findMultiplexer({ tmux: undefined, sty: undefined }), undefined);
  assert.equal(findMultiplexer({ tmux: "", sty: "" }), undefined);
  assert.equal(findMultiplexer({ tmux: undefined, sty: "7.pts-1" }), "screen");
  assert.equal(findMultiplexer({ tmux: "/tmp/tmux-0/default,1,0", sty: "7.pts-1" }), "tmux");
});

Deno.test("a long text is cut so that screen takes it, between two characters, and whole for tmux", () => {
  const bytes = (text: string) => new TextEncoder().encode(text).length;
  for (const character of ["x", "漢", "👍🏽", "e\u0301"]) {
    const sequence = `\x1b]9;ben: ${character.repeat(300)}\x1b\\`;
    const passed = passThrough(sequence, "screen");
    assert.ok(passed.startsWith("\x1bP\x1b]9;ben: ") && passed.endsWith("\x07\x1b\\"));
    const content = passed.slice(2, -2);
    assert.ok(bytes(content) <= 255 && bytes(content) > 255 - bytes(character), `${bytes(content)} of ${character}`);
    const text = content.slice("\x1b]9;ben: ".length, -1);
    assert.equal(text, character.repeat(text.length / character.length));
    assert.equal(passThrough(sequence, "tmux"), `\x1bPtmux;\x1b\x1b]9;ben: ${character.repeat(300)}\x1b\x1b\\\x1b\\`);
  }
  assert.equal(passThrough("\x1b]9;ben: hi\x1b\\", "screen"), "\x1bP\x1b]9;ben: hi\x07\x1b\\");
});
