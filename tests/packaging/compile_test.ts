import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { compileError, currentCommit } from "../../packaging/compile.ts";
import { packagesReached, readModuleGraph } from "../../packaging/module_graph.ts";
import { stageSources } from "../../packaging/stage.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const config = JSON.parse(Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)));

Deno.test("staged sources show their commit", async () => {
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

Deno.test("main.ts reaches no package that only tests and packaging need", async () => {
  const reached = packagesReached(await readModuleGraph()).map((key) => key.replace(/@[^@]+$/, ""));
  for (const name of ["@grpc/grpc-js", "amqplib", "@optique/core"]) assert.ok(reached.includes(name), name);
  for (const name of ["@bufbuild/buf", "ts-proto", "fast-check", "@xterm/headless", "playwright-core"]) {
    assert.ok(!reached.includes(name), name);
  }
});

Deno.test("a folder without a repository has an unknown commit", async () => {
  using folder = temporaryFolder();
  assert.equal(await currentCommit(folder.path), "unknown");
});

Deno.test("compileError() explains a missing runtime in one sentence, with the variable that names it", () => {
  const failed = (cause: string) =>
    `error: Writing deno compile executable\n\nCaused by:\n    1: ${cause}\n\nStack backtrace:\n`;
  const unreachable = failed("error sending request for url (https://dl.deno.land/release/v2.9.6/denort-x.zip)");
  const { message } = compileError(unreachable, "x");
  assert.match(message, /^chatd cannot be compiled for x: [^\n]+ set DENORT_BIN to the path of a denort [^\n]+\.$/);
  const { message: other } = compileError(failed("No space left on device"), "x");
  assert.match(other, /^chatd cannot be compiled for x:\n[^]*No space left on device/);
});

Deno.test("deno task compile ends without a stack trace when DENORT_BIN names no file", async () => {
  using folder = temporaryFolder();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "compile", "unknown"],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: { DENORT_BIN: `${folder.path}/denort`, NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stderr);
  assert.deepEqual([code, new TextDecoder().decode(stdout)], [1, ""]);
  assert.match(said, /^chatd cannot be compiled for \S+: DENORT_BIN names "[^"]+\/denort", and no file is there\.\n$/);
});
