// Counts clauses that hide their noun ("what", "somebody") in comments and help. denoland/std has them in 0.06 % of its
// comment lines, fedify in 0.11 %.
import assert from "node:assert/strict";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { manualPage } from "../packaging/man.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Findings per line of comments that a folder may have. */
const maxShare = 0.0015;

const vagueClause =
  /(?<!\b(?:by|for|from|of|to|with) )\bwhom\b|\b(?:what|whoever|whatever)\b|\bso that\b[^.;:,]{1,60}?\b(?:is|are)\b/gi;
const vaguePerson = /\b(?:somebody|nobody)\b/gi;

interface Line {
  readonly number: number;
  readonly text: string;
}

/** Returns the lines of each comment. A comment after code on the same line does not count. */
function commentsOf(source: string): Line[][] {
  const comments: Line[][] = [];
  let open: Line[] | undefined;
  let isBlock = false;
  for (const [index, line] of source.split("\n").entries()) {
    const isLineComment = !isBlock && /^\s*\/\//.test(line);
    if (!isBlock && !isLineComment) open = undefined;
    if (/^\s*\/\*/.test(line)) {
      isBlock = true;
      open = undefined;
    }
    if (!isBlock && !isLineComment) continue;
    if (open === undefined) comments.push(open = []);
    open.push({ number: index + 1, text: line.replace(/^\s*(?:\/\/|\/\*\*?|\*(?!\/))/, "").replace(/\*\/\s*$/, "") });
    if (line.includes("*/")) isBlock = false;
  }
  return comments;
}

/** Finds a habit in the lines of one text, apart from quotations and code. @returns "3: the words" for each place */
function find(habit: RegExp, lines: readonly Line[]): string[] {
  const blank = (quoted: string) => quoted.replaceAll(/\S/g, "_");
  const texts = lines.map(({ text }) => text.trim());
  const all = texts.join(" ").replaceAll(/`[^`]*`|"[^"]*"|\{@link [^}]*\}/g, blank);
  return [...all.matchAll(habit)].map(({ index, 0: words }) => {
    let end = 0;
    const place = texts.findIndex((text) => (end += text.length + 1) > index);
    return `${lines[place].number}: ${words}`;
  });
}

async function* sourcesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* sourcesIn(path);
    else if (/\.(?:ts|cjs|proto)$/.test(name)) yield path;
  }
}

/** Reads the comments of all sources in a folder, each with its path. */
async function readComments(folder: string): Promise<{ path: string; lines: Line[] }[]> {
  const paths = await Array.fromAsync(sourcesIn(`${root}${folder}`));
  const found = await Promise.all(
    paths.toSorted().map(async (path) => {
      return commentsOf(await Deno.readTextFile(path)).map((lines) => ({ path: relative(root, path), lines }));
    }),
  );
  return found.flat();
}

function requirePlain(texts: readonly { path: string; lines: readonly Line[] }[]): void {
  const findAll = (habit: RegExp) =>
    texts.flatMap(({ path, lines }) => find(habit, lines).map((place) => `${path}:${place}`));
  const persons = findAll(vaguePerson);
  assert.ok(persons.length === 0, `name the user, member or client:\n${persons.join("\n")}`);
  const clauses = findAll(vagueClause);
  const most = Math.round(maxShare * texts.reduce((sum, { lines }) => sum + lines.length, 0));
  assert.ok(clauses.length <= most, `name the noun (${clauses.length} of at most ${most}):\n${clauses.join("\n")}`);
}

Deno.test("the habits are found in comments, across lines, but not in code, quotations and ordinary clauses", () => {
  const comments = commentsOf([
    "/** Returns what a user sends, for whom",
    "  * it may concern. */",
    "const what = 1; // whatever",
    "// The first command may wait, so that the",
    "// log is small. So that a test can run, with whom it may.",
    "f(); /* no comment line */",
    '// Prints "what", `nobody` and {@link whatever}.',
    "// Somebody asks",
    "// nobody.",
  ].join("\n"));
  assert.deepEqual(comments.map((lines) => lines.map(({ number }) => number)), [[1, 2], [4, 5], [7, 8, 9]]);
  assert.deepEqual(comments.flatMap((lines) => find(vagueClause, lines)), ["1: what", "4: so that the log is"]);
  assert.deepEqual(comments.flatMap((lines) => find(vaguePerson, lines)), ["8: Somebody", "9: nobody"]);
});

const rooms = Deno.readDirSync(`${root}src`).filter(({ name }) => name !== "gen").map(({ name }) => `src/${name}`);
for (const folder of [...rooms.toArray().toSorted(), "packaging", "proto"]) {
  Deno.test(`comments in ${folder} name their nouns`, async () => requirePlain(await readComments(folder)));
}

Deno.test("the help of all commands names its nouns", () => {
  const lines = manualPage().split("\n").map((text, index) => ({ number: index + 1, text }));
  requirePlain(lines.map((line) => ({ path: "packaging/chatd.1", lines: [line] })));
});
