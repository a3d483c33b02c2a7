import assert from "node:assert/strict";
import { createFile, openSource } from "../../src/terminal/local_file.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const hello = new TextEncoder().encode("hello");

Deno.test("a file is read from any place, and called by its name alone", async () => {
  using folder = temporaryFolder();
  Deno.writeFileSync(`${folder.path}/.Notes.TXT`, hello);
  using source = await openSource(`${folder.path}/.Notes.TXT`);
  assert.deepEqual([source.name, source.mediaType, source.size], ["Notes.TXT", "text/plain", 5]);
  assert.deepEqual(await source.read(3, 10), hello.slice(3));
  assert.deepEqual(await source.read(0, 2), hello.slice(0, 2));
  assert.equal((await source.read(5, 1)).length, 0);
});

Deno.test("a path that cannot be sent gets an error", async () => {
  using folder = temporaryFolder();
  Deno.writeTextFileSync(`${folder.path}/empty`, "");
  await rejectsWith("invalid_argument", openSource(`${folder.path}/empty`));
  await rejectsWith("invalid_argument", openSource(folder.path));
  await new Deno.Command("mkfifo", { args: [`${folder.path}/pipe`] }).output();
  await rejectsWith("invalid_argument", openSource(`${folder.path}/pipe`));
  await rejectsWith("not_found", openSource(`${folder.path}/none`));
  const inside = await rejectsWith("invalid_argument", openSource(`${folder.path}/empty/inside`));
  assert.match(inside.message, /a part of its path is not a folder/);
});

Deno.test("a file is made where nothing is, in a folder by its harmless name", async () => {
  using folder = temporaryFolder();
  const save = async (path: string, name: string) => {
    using file = await createFile(path, name);
    await file.write(hello);
    await file.keep();
    return file.path;
  };
  assert.equal(await save(`${folder.path}/named`, "report.pdf"), `${folder.path}/named`);
  assert.equal(await save(folder.path, "report.pdf"), `${folder.path}/report.pdf`);
  assert.equal(await save(`${folder.path}/`, "../../.bashrc"), `${folder.path}/bashrc`);
  assert.deepEqual(Deno.readFileSync(`${folder.path}/named`), hello);
  assert.equal(Deno.statSync(`${folder.path}/named`).mode! & 0o777, 0o600);
  await rejectsWith("not_found", createFile(`${folder.path}/none/`, "a"));
});

Deno.test("nothing that is there is overwritten, and no link is followed", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/kept`;
  Deno.writeTextFileSync(path, "as it was");
  await rejectsWith("already_exists", createFile(path, "other"));
  await rejectsWith("already_exists", createFile(folder.path, "kept"));
  Deno.symlinkSync(`${folder.path}/elsewhere`, `${folder.path}/link`);
  await rejectsWith("already_exists", createFile(`${folder.path}/link`, "other"));
  await rejectsWith("already_exists", createFile(folder.path, "link"));
  assert.equal(Deno.readTextFileSync(path), "as it was");
  assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name).sort(), ["kept", "link"]);
});

Deno.test("a file that was not kept is removed", async () => {
  using folder = temporaryFolder();
  {
    using file = await createFile(`${folder.path}/part`, "part");
    await file.write(hello);
  }
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("where Deno refuses, the flag that is missing is named", async () => {
  using folder = temporaryFolder();
  const script = `
    import { createFile, openSource } from "${new URL("../../src/terminal/local_file.ts", import.meta.url)}";
    for (const use of [() => openSource("${folder.path}/a"), () => createFile("${folder.path}/b", "b")]) {
      console.log(await use().catch((error) => error.code + " " + error.message));
    }`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", `data:application/typescript,${encodeURIComponent(script)}`],
  }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  const refusal = (name: string, flag: string) =>
    `permission_denied Deno does not permit chatd to use "${folder.path}/${name}". ` +
    `Add ${flag}="${folder.path}/" to deno run, or from a checkout run: deno task script:files`;
  assert.deepEqual(lines, [refusal("a", "--allow-read"), refusal("b", "--allow-write")]);
});
