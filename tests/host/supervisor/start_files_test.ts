import assert from "node:assert/strict";
import { StartFiles } from "../../../src/host/supervisor/start_files.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

Deno.test("haveChanged() compares contents with the last remembered ones", () => {
  using folder = temporaryFolder();
  const [config, secret] = [`${folder.path}/chatd.toml`, `${folder.path}/secret`];
  Deno.writeTextFileSync(config, "first");
  Deno.writeTextFileSync(secret, "secret");
  const files = new StartFiles([config, secret]);
  files.remember();
  Deno.writeTextFileSync(config, "first");
  assert.equal(files.haveChanged(), false);
  Deno.writeTextFileSync(config, "second");
  assert.equal(files.haveChanged(), true);
  files.remember();
  assert.equal(files.haveChanged(), false);
  Deno.removeSync(secret);
  assert.equal(files.haveChanged(), true);
});

Deno.test("haveChanged() does not count a file that the server made after its start", () => {
  using folder = temporaryFolder();
  const files = new StartFiles([`${folder.path}/made`]);
  files.remember();
  Deno.writeTextFileSync(`${folder.path}/made`, "later");
  assert.equal(files.haveChanged(), false);
});
