import assert from "node:assert/strict";
import fc from "fast-check";
import { harmlessFileName, parseFileName, parseMediaType } from "../../../src/core/files/file_name.ts";
import { throwsWith } from "../../support/checks/chat_error_assertions.ts";

Deno.test("parseFileName() takes names as people give them", () => {
  for (const name of ["a", "report.pdf", "Łódź 2024 (1).tar.gz", ".profile", "日本語", "a".repeat(255)]) {
    assert.equal(parseFileName(name), name);
  }
});

Deno.test("parseFileName() refuses paths, what is not seen, and what is too long", () => {
  const wrong = ["", ".", "..", "a/b", "/etc/passwd", "..\\x", "a\0b", "a\nb", "\x1b[2J", "a\u202Egpj.exe", "a\u200Bb"];
  wrong.push(" a", "a ", "\uD800", "a".repeat(256), "ä".repeat(128), "\u2028", "\u0301a");
  for (const name of wrong) throwsWith("invalid_argument", () => parseFileName(name));
});

Deno.test("harmlessFileName() makes a name of any words, which parseFileName() takes, and which is no path", () => {
  const names: [string, string][] = [
    ["/home/ana/report.pdf", "report.pdf"],
    ["C:\\Users\\ana\\report.pdf", "report.pdf"],
    ["../../etc/passwd", "passwd"],
    ["..", "file"],
    ["", "file"],
    [`${"a".repeat(254)}. b, and no ending`, "a".repeat(254)],
    ["/", "file"],
    [".bashrc", "bashrc"],
    ["con.txt", "_con.txt"],
    ["a:b?.txt", "a_b_.txt"],
    ["trailing dots...", "trailing dots"],
    [`${"x".repeat(300)}.jpeg`, `${"x".repeat(250)}.jpeg`],
    ["evil\u202Egpj.exe", "evil\uFFFDgpj.exe"],
    [" con.txt", "_con.txt"],
    [".nul", "_nul"],
    [`con${" ".repeat(300)}.txt`, "_con.txt"],
    [`con.${"x".repeat(300)}`, `_con.${"x".repeat(250)}`],
    [". .a", "a"],
    ["\t\u0301a", "◌\u0301a"],
    [".\u0301a", "◌\u0301a"],
  ];
  for (const [path, name] of names) assert.equal(harmlessFileName(path), name);
  const anything = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme", minLength: 200, maxLength: 400 }),
    fc.string({ unit: fc.constantFrom("\u0301", "\t", ".", " ", "a", "/", "con", "x".repeat(100)) }),
  );
  fc.assert(fc.property(anything, (path) => {
    const name = harmlessFileName(path);
    assert.equal(parseFileName(name), name);
    assert.doesNotMatch(name, /[/\\:*?"<>|]|^\.|\.$|^con(\.|$)/);
  }));
});

Deno.test("parseMediaType() takes what RFC 6838 lets a type be called, without parameters", () => {
  assert.equal(parseMediaType(""), "application/octet-stream");
  assert.equal(parseMediaType("Application/Vnd.OpenXML+xml"), "application/vnd.openxml+xml");
  for (
    const type of [
      "text",
      "text/",
      "/plain",
      "text/plain; charset=utf-8",
      "a/b/c",
      "text/\u0000",
      `a/${"b".repeat(128)}`,
    ]
  ) {
    throwsWith("invalid_argument", () => parseMediaType(type));
  }
});
