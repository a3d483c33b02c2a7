/** Names of code in documents exist in the sources. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { documents, inlineCode } from "./support/checks/documents.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

function sourcesIn(folder: string): string[] {
  return [...Deno.readDirSync(`${root}${folder}`)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return sourcesIn(`${folder}/${name}`);
    return /\.(ts|proto)$/.test(name) ? [Deno.readTextFileSync(`${root}${folder}/${name}`)] : [];
  });
}

const sources = ["src", "packaging", "proto"].flatMap(sourcesIn);

/** Whether a file declares `name` and, if that has a member, the member too. */
function exists(name: string): boolean {
  const [owner, member] = name.split(".");
  const declarations = [new RegExp(`\\b(class|interface|type|const|function|message|service|rpc) ${owner}\\b`)];
  // A member of a class or interface, a call of a service, or a field of a message.
  if (member !== undefined) {
    declarations.push(
      new RegExp(`^ +((async|static|get|readonly) )*${member}[(<:?;=]|\\brpc ${member}\\(|\\b${member} = \\d+;`, "m"),
    );
  }
  return sources.some((source) => declarations.every((declaration) => declaration.test(source)));
}

/** Returns the names in code spans that look like those of this project: `FanOut`, `Posting.check`. */
function namesIn(spans: readonly string[]): readonly string[] {
  return spans.filter((code) => /^(?!Deno\.)[A-Z][a-z]+\w*\.\w+$|^([A-Z][a-z]+){2,}$/.test(code));
}

Deno.test("classes, messages and their members that documents name exist", () => {
  const named = documents().flatMap((document) => namesIn(inlineCode(document)).map((name) => ({ document, name })));
  assert.ok(named.length > 80, `only ${named.length} found`);
  assert.deepEqual(named.filter(({ name }) => !exists(name)), []);
});

Deno.test("a name that does not exist is found", () => {
  assert.deepEqual(namesIn(["FanOut", "Posting.check", "Chat.submit", "FanIn", "deno", "SIGHUP", "FanOut(x)"]), [
    "FanOut",
    "Posting.check",
    "Chat.submit",
    "FanIn",
  ]);
  assert.deepEqual(["FanOut", "Posting.check", "Chat.submit", "FanIn"].map(exists), [true, true, false, false]);
});
