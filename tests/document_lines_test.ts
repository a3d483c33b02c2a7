/** Documents are read in terminals and in reviews too: their lines have at most 120 characters. */
import assert from "node:assert/strict";
import { documents, readDocument } from "./support/checks/documents.ts";

const maxCharacters = 120;

/** Returns a document with blank lines in place of blocks of code. */
function withoutBlocks(text: string): string {
  return text.replaceAll(/^( *)```[^]*?^\1```$/gm, (block) => block.replaceAll(/[^\n]/g, ""));
}

/** Returns the numbers of the lines that are too long. Blocks of code and lines that are one unbreakable link are not. */
function longLines(text: string): readonly number[] {
  return withoutBlocks(text).split("\n").flatMap((line, i) => {
    const isLink = /^ *(?:[-*] |\d+\. )?[^\s|]+$/.test(line) && /https?:\/\//.test(line);
    return line.length > maxCharacters && !isLink ? [i + 1] : [];
  });
}

Deno.test("lines of documents have at most 120 characters, rows of tables included", () => {
  const long = [...documents(), "CHANGELOG.md"].flatMap((document) =>
    longLines(readDocument(document)).map((line) => `${document}:${line}`)
  );
  assert.deepEqual(long, []);
});

Deno.test("long sentences and rows are found, and blocks of code and links are left out", () => {
  const long = "word ".repeat(30);
  const row = `| ${"wide ".repeat(30)} |`;
  const link = `- https://example.org/${"path/".repeat(30)}`;
  assert.deepEqual(longLines(["short", long, "```sh", long, "```", row, link].join("\n")), [2, 6]);
  assert.deepEqual(longLines(["- a list", "  ```json", `  ${long}`, "  ```", `  ${long}`].join("\n")), [5]);
});

Deno.test("spans of code do not continue on the next line, where tests of commands would miss them", () => {
  const broken = documents().flatMap((document) =>
    withoutBlocks(readDocument(document)).split("\n").flatMap((line, i) =>
      line.split("`").length % 2 === 0 ? [`${document}:${i + 1}`] : []
    )
  );
  assert.deepEqual(broken, []);
});
