import assert from "node:assert/strict";
import { currentCommit } from "../../packaging/compile.ts";
import { packagesReached, readModuleGraph } from "../../packaging/module_graph.ts";
import { stageSources } from "../../packaging/stage.ts";
import { temporaryFolder } from "../support/temporary_folder.ts";

const config = JSON.parse(Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)));

Deno.test("what is compiled knows its commit", async () => {
  using folder = temporaryFolder();
  const commit = "0123456789ab";
  await stageSources(folder.path, commit);
  const run = (args: readonly string[]) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--frozen", "--cached-only", "-A", "main.ts", ...args],
      cwd: folder.path,
    }).output();
  const { code, stdout, stderr } = await run(["--version"]);
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const said = new TextDecoder().decode(stdout);
  assert.equal(said, `chatd ${config.version} (commit ${commit}, Deno ${Deno.version.deno})\n`);
});

Deno.test("what chatd imports leads to nothing that only tests and the making of chatd need", async () => {
  const reached = packagesReached(await readModuleGraph()).map((key) => key.replace(/@[^@]+$/, ""));
  for (const name of ["@grpc/grpc-js", "amqplib", "@optique/core"]) assert.ok(reached.includes(name), name);
  for (const name of ["@bufbuild/buf", "ts-proto", "fast-check", "@xterm/headless"]) {
    assert.ok(!reached.includes(name), name);
  }
});

Deno.test("a folder without a repository has an unknown commit", async () => {
  using folder = temporaryFolder();
  assert.equal(await currentCommit(folder.path), "unknown");
});
