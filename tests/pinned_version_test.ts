// One version of Deno is pinned, because others can have native faults (docs/decisions/0002-one-version-of-deno.md).
import assert from "node:assert/strict";

const root = new URL("..", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, root));
const pinned = read(".deno-version").trim();

Deno.test("tests run on the pinned version of Deno", () => {
  assert.equal(Deno.version.deno, pinned);
});

/** `deno@1.2.3` everywhere; in README also "Deno 1.2.3" and the like. Other versions are compared in docs/security.md. */
function pattern(file: string): RegExp {
  return file === "README.md" ? /\bdeno\b[^\n\d]{0,40}(\d+\.\d+\.\d+)/gi : /\bdeno@(\d+\.\d+\.\d+)/gi;
}

Deno.test("documents, tasks and CI name no other version of Deno than the pinned one", () => {
  const files = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/security.md",
    "deno.json",
    ".ci/run",
    ".github/workflows/ci.yml",
  ];
  const named = files.flatMap((file) =>
    [...read(file).matchAll(pattern(file))].map(([, version]) => `${file}: ${version}`)
  );
  assert.deepEqual(named.filter((line) => !line.endsWith(`: ${pinned}`)), []);
  assert.ok(named.some((line) => line.startsWith("README.md")), "README says how to run the pinned version");
});

Deno.test("CI takes the version from the file that pins it", () => {
  assert.match(read(".ci/run"), /\.deno-version/);
  assert.match(read(".github/workflows/ci.yml"), /\.ci\/run/);
});

Deno.test("tasks for users name their permissions", () => {
  const { tasks } = JSON.parse(read("deno.json")) as { tasks: Record<string, string> };
  for (const name of ["start", "chat", "user", "test", "ok", "compile"]) {
    assert.doesNotMatch(tasks[name], /(^|\s)(-A|--allow-all)(\s|$)/, name);
  }
});
