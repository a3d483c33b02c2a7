import assert from "node:assert/strict";
import { completePath } from "../../../src/terminal/commands/path_completion.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

function files(...names: string[]): ReturnType<typeof temporaryFolder> {
  const folder = temporaryFolder();
  for (const name of names) {
    if (name.endsWith("/")) Deno.mkdirSync(`${folder.path}/${name}`, { recursive: true });
    else Deno.writeTextFileSync(`${folder.path}/${name}`, "x");
  }
  return folder;
}

/** Completes a path in a folder. @returns the candidates without that folder */
function completed(path: string, typed: string): string[] {
  return completePath(typed.replace("@", `${path}/`)).map((each) => each.replace(`${path}/`, "@"));
}

Deno.test("a file ends with a space, and a folder with a slash, to go on in it", () => {
  using folder = files("notes.txt", "next/", "next/deep.txt");
  assert.deepEqual(completed(folder.path, "@n"), ["@next/", "@notes.txt "]);
  assert.deepEqual(completed(folder.path, "@next/"), ["@next/deep.txt "]);
  assert.deepEqual(completed(folder.path, "@x"), []);
});

Deno.test("names with spaces and quotes are typed as /file reads them", () => {
  using folder = files("my notes.txt", "it's.txt");
  assert.deepEqual(completed(folder.path, "@my"), ["@my\\ notes.txt "]);
  assert.deepEqual(completed(folder.path, "@my\\ n"), ["@my\\ notes.txt "]);
  assert.deepEqual(completed(folder.path, '"@my'), ['"@my notes.txt" ']);
  assert.deepEqual(completed(folder.path, "'@my n"), ["'@my notes.txt' "]);
  assert.deepEqual(completed(folder.path, "@it"), ["@it\\'s.txt "]);
  assert.deepEqual(completed(folder.path, "'@it"), []);
});

Deno.test("hidden files come once their dot is typed", () => {
  using folder = files(".secret", "shown");
  assert.deepEqual(completed(folder.path, "@"), ["@shown "]);
  assert.deepEqual(completed(folder.path, "@."), ["@.secret "]);
});

Deno.test("a link to a folder is a folder, and a name with control characters is left out", () => {
  using folder = files("real/", "bad\x1b[2Jname", "bad\nname");
  Deno.symlinkSync(`${folder.path}/real`, `${folder.path}/link`);
  assert.deepEqual(completed(folder.path, "@"), ["@link/", "@real/"]);
});

Deno.test("~ is the home folder, and stays as it is typed", () => {
  using folder = files("notes.txt");
  const home = Deno.env.get("HOME");
  Deno.env.set("HOME", folder.path);
  try {
    assert.deepEqual(completePath("~"), ["~/"]);
    assert.deepEqual(completePath("~/no"), ["~/notes.txt "]);
  } finally {
    if (home === undefined) Deno.env.delete("HOME");
    else Deno.env.set("HOME", home);
  }
});

Deno.test("after the path, a text follows, which is completed otherwise", () => {
  using folder = files("notes.txt");
  assert.deepEqual(completed(folder.path, "@notes.txt n"), []);
  assert.deepEqual(completed(folder.path, '"@notes.txt" n'), []);
});

Deno.test({
  name: "a folder that Deno does not permit to read has no files, and nothing asks",
  permissions: { read: false, env: true },
  fn() {
    assert.deepEqual(completePath("/etc/ho"), []);
  },
});
