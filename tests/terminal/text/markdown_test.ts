import assert from "node:assert/strict";
import fc from "fast-check";
import { sanitizeLines } from "../../../src/core/sanitize.ts";
import { formatText } from "../../../src/terminal/text/markdown.ts";
import { chooseStyle, type Style } from "../../../src/terminal/text/style.ts";

const none = (text: string) => text;
const tags: Style = {
  dim: (text) => `<d>${text}</d>`,
  bold: none,
  warn: none,
  strong: (text) => `<b>${text}</b>`,
  italic: (text) => `<i>${text}</i>`,
  struck: (text) => `<s>${text}</s>`,
  code: (text) => `<c>${text}</c>`,
  link: (text, target) => text === target ? `<a>${text}</a>` : `<a ${target}>${text}</a>`,
};

function format(text: string, options: { style?: Style; markdown?: boolean } = {}): string[] {
  return formatText(text, { style: tags, markdown: true, ...options }).map((line) => line.text);
}

function assertAsTyped(...lines: string[]): void {
  for (const line of lines) assert.deepEqual(format(line), [line]);
}

Deno.test("formatText() shows bold, italic, struck and code by style, without their marks", () => {
  assert.deepEqual(format("**a b** *c* _d_ ~~e~~ `f **g**`"), ["<b>a b</b> <i>c</i> <i>d</i> <s>e</s> <c>f **g**</c>"]);
  assert.deepEqual(format("**very *much* so**, (*really*)."), [
    "<b>very </b><b><i>much</i></b><b> so</b>, (<i>really</i>).",
  ]);
  assert.deepEqual(format("`` a`b ``"), ["<c>a`b</c>"]);
  assert.deepEqual(format("**重要**です"), ["<b>重要</b>です"]);
});

Deno.test("formatText() leaves globs, paths, names, sums and faces as they were typed", () => {
  assertAsTyped(
    "/etc/*.conf and /usr/*.conf",
    "rm *.o *.a",
    "2*3*4 = 24, 2**3**2",
    "snake_case_name and __init__.py",
    "_build_/x and src/_gen_",
    "f(*args, **kwargs)",
    "¯\\_(ツ)_/¯",
    "\\*not italic\\* and C:\\_new",
    "about ~100 to ~200",
    "a * b * c",
    "# 1 priority",
    "| a | b |",
    "<b>no HTML</b> &amp; no entities",
    ">.< and >100",
    "    at main.ts:1",
    "----",
    "+ a line of a patch",
  );
});

Deno.test("formatText() shows quotes and lists, each line for itself", () => {
  assert.deepEqual(format("> is it *up*?\nyes"), ["<d>│ </d>is it <i>up</i>?", "yes"]);
  assert.deepEqual(format(">> older\n> newer\n>"), ["<d>│ │ </d>older", "<d>│ </d>newer", "<d>│ </d>"]);
  assert.deepEqual(format("* one\n  - **two**\n12. three\nfour"), ["• one", "  - <b>two</b>", "12. three", "four"]);
  const [quote, item] = formatText("> a\n10. b", { style: tags, markdown: true });
  assert.equal(quote.continuation, "<d>│ </d>");
  assert.equal(item.continuation, "    ");
});

Deno.test("formatText() shows a fenced block as it is, on lines of its own", () => {
  assert.deepEqual(format("```ts\nif (*a*) {\n\n  **b**\n}\n```\ndone"), [
    "",
    "<c>if (*a*) {</c>",
    "",
    "<c>  **b**</c>",
    "<c>}</c>",
    "done",
  ]);
  assert.deepEqual(format("see\n~~~~\n~~~\n~~~~"), ["see", "<c>~~~</c>"]);
  assert.deepEqual(format("```\nnot closed"), ["```", "not closed"]);
});

Deno.test("formatText() links whole web addresses, with and without Markdown", () => {
  for (const markdown of [true, false]) {
    assert.deepEqual(format("see https://a.example/b_c_(d)*e*?f=1&g. And www.b.example", { markdown }), [
      "see <a>https://a.example/b_c_(d)*e*?f=1&g</a>. And <a http://www.b.example/>www.b.example</a>",
    ]);
  }
  assert.deepEqual(format("**https://a.example/**"), ["<b><a>https://a.example/</a></b>"]);
  assert.deepEqual(format("<https://a.example/>"), ["<<a>https://a.example/</a>>"]);
  assert.deepEqual(format("https://bücher.example/ü"), [
    "<a https://xn--bcher-kva.example/%C3%BC>https://bücher.example/ü</a>",
  ]);
  // The text of a link could name another address than the one that opens.
  assert.deepEqual(format("[https://bank.example](https://evil.example/)"), [
    "[https://bank.example](<a>https://evil.example/</a>)",
  ]);
  assertAsTyped("ana@chatd.example", "file:///etc/passwd", "javascript:alert(1)", "![a](b)");
});

Deno.test("formatText() keeps the marks whose styles the terminal lacks", () => {
  const style = chooseStyle({ noColor: undefined, term: "dumb" });
  assert.deepEqual(format("**a** `b` https://a.example\n```\nc\n```", { style }), [
    "**a** `b` https://a.example",
    "```",
    "c",
    "```",
  ]);
});

Deno.test("formatText() without Markdown shows the text as it was typed", () => {
  const text = "**a** _b_ `c`\n> d\n* e\n```\nf\n```";
  assert.deepEqual(format(text, { markdown: false }), text.split("\n"));
});

Deno.test("formatText() removes nothing but marks, and lets no control character through", () => {
  const word = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 8 }),
    fc.constantFrom("**", "*", "_", "~~", "`", "```", "\n", "> ", "* ", "- ", "1. ", " ", "\\", "https://a.example/b"),
  );
  const bare = (text: string) => text.replace(/[*_~`>•│\s]/gu, "");
  fc.assert(fc.property(fc.array(word, { maxLength: 30 }), (words) => {
    const text = words.join("");
    // An opening fence may name a language, which is not shown.
    fc.pre(!/^ {0,3}(`{3,}|~{3,})[^`\n]*[^`\s]/m.test(text));
    const style: Style = { ...tags, strong: none, italic: none, struck: none, code: none, link: none, dim: none };
    const shown = formatText(text, { style, markdown: true }).map((line) => line.text).join("\n");
    assert.equal(bare(shown), bare(sanitizeLines(text).join("\n")));
    // deno-lint-ignore no-control-regex -- none may be left
    assert.doesNotMatch(shown, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  }));
});
