import assert from "node:assert/strict";
import { readNewPassword, readPasswordFile } from "../../src/app/password_source.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

Deno.test("readPasswordFile() returns the first line unchanged", async () => {
  using folder = temporaryFolder();
  const file = `${folder.path}/password`;
  for (const text of [" pass wörd ", " pass wörd \n", " pass wörd \r\nnot this\n"]) {
    await Deno.writeTextFile(file, text);
    assert.equal(await readPasswordFile(file), " pass wörd ");
  }
});

Deno.test("readPasswordFile() reports problems without the content of the file", async () => {
  using folder = temporaryFolder();
  const file = `${folder.path}/password`;
  assert.match((await rejectsWith("invalid_argument", readPasswordFile(file))).message, /it does not exist/);
  await Deno.writeTextFile(file, "\nsecret\n");
  assert.match((await rejectsWith("invalid_argument", readPasswordFile(file))).message, /empty/);
  await Deno.writeFile(file, new Uint8Array([0x73, 0xff]));
  assert.match((await rejectsWith("invalid_argument", readPasswordFile(file))).message, /UTF-8/);
  await rejectsWith("invalid_argument", readPasswordFile(folder.path));
});

Deno.test("readNewPassword() prefers the file over the environment", async () => {
  using folder = temporaryFolder();
  const passwordFile = `${folder.path}/password`;
  await Deno.writeTextFile(passwordFile, "from the file");
  assert.equal(await readNewPassword("ana", { passwordFile, password: "from the environment" }), "from the file");
  assert.equal(await readNewPassword("ana", { password: "from the environment" }), "from the environment");
});
