/** Links of documents to other documents and to headings lead somewhere. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { documents, readDocument } from "./support/checks/documents.ts";

/** Returns the targets of the links in a document, without those to other sites. */
function linkTargets(text: string): readonly string[] {
  const prose = text.replaceAll(/^ *```[^]*?^ *```$/gm, "").replaceAll(/`[^`\n]*`/g, "code");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target).filter((it) => !/^https?:/.test(it));
}

/** Returns the anchors of a document's headings, as GitHub makes them: "## Set up" is "set-up". */
function anchors(text: string): readonly string[] {
  const prose = text.replaceAll(/^ *```[^]*?^ *```$/gm, "");
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

/** Says why a link of a document leads nowhere; undefined when it leads somewhere. */
function fault(document: string, target: string): string | undefined {
  const [path, anchor] = target.split("#");
  const file = path === "" ? document : join(dirname(document), path);
  try {
    Deno.statSync(new URL(`../${file}`, import.meta.url));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `${document}: there is no ${file}`;
    throw error;
  }
  if (anchor === undefined || anchors(readDocument(file)).includes(anchor)) return undefined;
  return `${document}: ${file} has no heading #${anchor}`;
}

Deno.test("links of documents lead to files and headings that exist", () => {
  const links = [...documents(), "CHANGELOG.md"].flatMap((document) =>
    linkTargets(readDocument(document)).map((target) => ({ document, target }))
  );
  assert.ok(links.length > 100, `only ${links.length} found`);
  assert.deepEqual(links.map(({ document, target }) => fault(document, target)).filter(Boolean), []);
});

Deno.test("links to a missing file and to a missing heading are found", () => {
  const text = "[a](nowhere.md) [b](faq.md#nothing) [c](../README.md#install) [d](https://example.org/x) `[e](f)`";
  assert.deepEqual(linkTargets(text).map((target) => fault("docs/scripts.md", target)), [
    "docs/scripts.md: there is no docs/nowhere.md",
    "docs/scripts.md: docs/faq.md has no heading #nothing",
    undefined,
  ]);
});
