import assert from "node:assert/strict";
import fc from "fast-check";
import { type Key, KeyDecoder } from "../../../src/terminal/input/key_decoder.ts";

const utf8 = new TextEncoder();

function decode(...parts: string[]): Key[] {
  const decoder = new KeyDecoder();
  return parts.flatMap((part) => decoder.decode(utf8.encode(part)));
}

/** Text that came in pieces, as one. */
function joined(keys: Key[]): Key[] {
  return keys.reduce<Key[]>((all, key) => {
    const last = all.at(-1);
    if (last?.kind !== "text" || key.kind !== "text") return [...all, key];
    return [...all.slice(0, -1), { kind: "text", text: last.text + key.text }];
  }, []);
}

Deno.test("text, control keys and sequences become keys", () => {
  assert.deepEqual(decode("hé漢👍\r\x03\x1b[A\x1bOH\x1b[3~\x1b\r\x7f"), [
    { kind: "text", text: "hé漢👍" },
    { kind: "command", command: "submit" },
    { kind: "command", command: "interrupt" },
    { kind: "command", command: "up" },
    { kind: "command", command: "start" },
    { kind: "command", command: "erase-right" },
    { kind: "command", command: "newline" },
    { kind: "command", command: "erase-left" },
  ]);
});

Deno.test("keys that mean nothing are left out, with all that belongs to them", () => {
  assert.deepEqual(decode("a\x1b[15~b\x1b[<0;3;4Mc\x00d"), [
    { kind: "text", text: "a" },
    { kind: "text", text: "b" },
    { kind: "text", text: "c" },
    { kind: "text", text: "d" },
  ]);
});

Deno.test("reports of the focus are no text, wherever they come", () => {
  assert.deepEqual(decode("a\x1b[Ib", "\x1b[", "Oc"), [
    { kind: "text", text: "a" },
    { kind: "focus", isFocused: true },
    { kind: "text", text: "b" },
    { kind: "focus", isFocused: false },
    { kind: "text", text: "c" },
  ]);
});

Deno.test("ESC before a character does not swallow it", () => {
  assert.deepEqual(decode("\x1b", "xy"), [{ kind: "text", text: "xy" }]);
});

Deno.test("a paste is one key whatever is in it, with newlines as \\n", () => {
  assert.deepEqual(decode("\x1b[200~one\r\ntwo\rthree\n\x1b[A\x1b[201~!"), [
    { kind: "paste", text: "one\ntwo\nthree\n\x1b[A" },
    { kind: "text", text: "!" },
  ]);
});

Deno.test("an endless paste is bounded", () => {
  const keys = decode("\x1b[200~", ..."x".repeat(20).split("").map((x) => x.repeat(10_000)), "\x1b[201~");
  assert.equal(keys.length, 1);
  assert.equal(keys[0].kind === "paste" && keys[0].text.length, 64 * 1024);
});

Deno.test("where reads cut the input apart makes no difference", () => {
  const piece = fc.constantFrom(
    "a",
    "漢",
    "👍🏽",
    "\r",
    "\x1b[A",
    "\x1b[1;5C",
    "\x1bOF",
    "\x1b[200~p\rq\x1b[201~",
    "\x03",
  );
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.nat(200)), (pieces, cuts) => {
      const bytes = utf8.encode(pieces.join(""));
      const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
      const decoder = new KeyDecoder();
      const keys = at.slice(1).flatMap((end, i) => decoder.decode(bytes.subarray(at[i], end)));
      assert.deepEqual(joined(keys), joined(decode(pieces.join(""))));
    }),
  );
});

Deno.test("the wheel scrolls, whatever is held with it, and other reports of a mouse are no text", () => {
  const up: Key = { kind: "screen", key: "wheel-up" };
  const down: Key = { kind: "screen", key: "wheel-down" };
  assert.deepEqual(decode("\x1b[<64;10;5M\x1b[<65;10;5M\x1b[<68;200;120M"), [up, down, up]);
  assert.deepEqual(decode("\x1b[<0;3;4M\x1b[<0;3;4m\x1b[<35;3;4M\x1b[<66;1;1M"), []);
  // Where a terminal does not know SGR reports: three bytes follow.
  assert.deepEqual(decode("\x1b[M`!!\x1b[Ma\x7f!\x1b[M !!x"), [up, down, { kind: "text", text: "x" }]);
  assert.deepEqual(decode("\x1b[M", "`", "!", "!x"), [up, { kind: "text", text: "x" }]);
});
