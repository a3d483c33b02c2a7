import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./support/checks/temporary_folder.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

async function deno(...args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: `${root}proto` }).output();
  const said = new TextDecoder();
  assert.ok(success, said.decode(stdout) + said.decode(stderr));
}

async function readTree(folder: string, path = ""): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${path}`)) {
    const inner = `${path}${name}`;
    if (!isDirectory) files.set(inner, await Deno.readTextFile(`${folder}/${inner}`));
    else for (const [file, text] of await readTree(folder, `${inner}/`)) files.set(file, text);
  }
  return files;
}

Deno.test("src/gen is what `deno task generate` makes of proto", async () => {
  using fresh = temporaryFolder();
  await deno("run", "-A", "generate.ts", fresh.path);
  const [committed, generated] = await Promise.all([readTree(`${root}src/gen`), readTree(fresh.path)]);
  assert.deepEqual([...committed.keys()].sort(), [...generated.keys()].sort());
  for (const [file, text] of generated) assert.ok(committed.get(file) === text, `src/gen/${file} is stale`);
});

Deno.test("the contract keeps to the style of protobuf", async () => {
  await deno("run", "-A", "npm:@bufbuild/buf@~1.74.0/buf", "lint");
});
