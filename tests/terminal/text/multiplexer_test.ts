import assert from "node:assert/strict";
import { findMultiplexer } from "../../../src/terminal/text/multiplexer.ts";

Deno.test("the multiplexer is known by its variable, and tmux comes first", () => {
  assert.equal(findMultiplexer({ tmux: undefined, sty: undefined }), undefined);
  assert.equal(findMultiplexer({ tmux: "", sty: "" }), undefined);
  assert.equal(findMultiplexer({ tmux: undefined, sty: "7.pts-1" }), "screen");
  assert.equal(findMultiplexer({ tmux: "/tmp/tmux-0/default,1,0", sty: "7.pts-1" }), "tmux");
});
