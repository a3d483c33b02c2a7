import assert from "node:assert/strict";
import fc from "fast-check";
import { confusables } from "../../../src/core/accounts/confusables.ts";
import { looksReserved, nameSkeleton } from "../../../src/core/accounts/name_skeleton.ts";

Deno.test("names that look alike have one skeleton", () => {
  const alike: readonly (readonly string[])[] = [
    ["ana", "4na", "ana.", "a.n-a", "A N A", "Ána", "аna", "ΑΝΑ", "ａｎａ", "𝓪na", "@ana", "an\u200ba"],
    ["ana", "ana\u2800", "\u{1d159}ana", "a\u1dc4na\u20dd", "ana\u064b", "🅰🅽🅰", "🅐🅝🅐", "🇦🇳🇦"],
    ["bern", "bem", "BERN", "be-rn"],
    ["oslo", "0510", "OSL0", "оѕlο"],
    ["bill", "b1ll", "bi|l", "BILL", "вill"],
    ["wave", "vvave", "w4v3"],
    ["катя", "КАТЯ", "Катя"],
  ];
  for (const [first, ...rest] of alike) {
    for (const other of rest) assert.equal(nameSkeleton(other), nameSkeleton(first), `${other} and ${first}`);
  }
});

Deno.test("names that differ to the eye have different skeletons", () => {
  const different = [
    "ana",
    "anna",
    "ben",
    "bot-1-1",
    "bot-11",
    "bot-2",
    "v1.1",
    "v11",
    "서버",
    "елка",
    "ana🔥",
    "李",
    "かき",
    "がき",
  ];
  assert.equal(new Set(different.map(nameSkeleton)).size, different.length);
  const numbered = Array.from({ length: 2_000 }, (_, number) => nameSkeleton(`user-${number}`));
  assert.equal(new Set(numbered).size, numbered.length);
});

Deno.test("a skeleton keeps neither case, accents nor separators, and is its own skeleton", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 20 }), (name) => {
      const skeleton = nameSkeleton(name);
      assert.equal(nameSkeleton(skeleton), skeleton);
    }),
    { numRuns: 2_000 },
  );
  const accountName = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,31}$/);
  fc.assert(
    fc.property(accountName, (name) => {
      assert.notEqual(nameSkeleton(name), "");
      assert.equal(nameSkeleton(name.toUpperCase()), nameSkeleton(name));
      assert.equal(nameSkeleton(` ${name}. `), nameSkeleton(name));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("in an account name, any letter can be exchanged for a character that looks like it", () => {
  const lookalike = fc.constantFrom(
    ...confusables.flatMap(([latin, characters]) => [...characters].map((character) => ({ latin, character }))),
  );
  fc.assert(
    fc.property(lookalike, fc.stringMatching(/^[b-d]{0,4}$/), ({ latin, character }, rest) => {
      assert.equal(nameSkeleton(rest + character + rest), nameSkeleton(rest + latin + rest));
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("a name that looks like a reserved one is found", () => {
  for (const name of ["adm1n", "R00T", "sys-tem", "ѕуѕtem"]) assert.equal(looksReserved(name), true, name);
  for (const name of ["", "ana", "rooty"]) assert.equal(looksReserved(name), false, name);
});

Deno.test("a name that is empty on the screen has an empty skeleton", () => {
  for (const name of ["\u2800", "\u{1d159}", "\u3164", "\u0301", "\u{e0041}"]) assert.equal(nameSkeleton(name), "");
});
