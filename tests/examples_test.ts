import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./support/checks/temporary_folder.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Paths of the files of `src` that have an example in a doc comment. */
function filesWithExamples(folder = `${root}src`): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return filesWithExamples(path);
    return name.endsWith(".ts") && /^\s*\* @example$/m.test(Deno.readTextFileSync(path)) ? [path] : [];
  });
}

/**
 * Type-checks the examples of files. Deno imports all exports of a file into its examples, so unused names are allowed
 * there, by a configuration in `folder`.
 * @returns the errors; nothing when there are none
 */
async function checkExamples(files: readonly string[], folder: string): Promise<string> {
  const { imports, nodeModulesDir, compilerOptions } = JSON.parse(Deno.readTextFileSync(`${root}deno.json`));
  const config = { imports, nodeModulesDir, compilerOptions: { ...compilerOptions, noUnusedLocals: false } };
  Deno.writeTextFileSync(`${folder}/deno.json`, JSON.stringify(config));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--doc-only", "--config", `${folder}/deno.json`, `--lock=${root}deno.lock`, ...files],
    env: { NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stderr);
  assert.equal(success, said === "", said);
  return said;
}

Deno.test("examples in doc comments are right: they pass the type check", async () => {
  using folder = temporaryFolder();
  const files = filesWithExamples();
  assert.ok(files.length >= 15, files.join("\n"));
  assert.equal(await checkExamples(files, folder.path), "");
});

Deno.test("an example that calls a function wrongly is found", async () => {
  using folder = temporaryFolder();
  const file = `${folder.path}/double.ts`;
  Deno.writeTextFileSync(
    file,
    '/**\n * @example\n * ```ts\n * double("1");\n * ```\n */\n' +
      "export function double(number: number): number {\n  return 2 * number;\n}\n",
  );
  assert.match(await checkExamples([file], folder.path), /TS2345[^]*double\.ts#/);
});
