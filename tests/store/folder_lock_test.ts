import assert from "node:assert/strict";
import { ChatError } from "../../src/core/chat_error.ts";
import { lastOwner, lockFolder, tryLockFolder } from "../../src/store/folder_lock.ts";
import { ScriptProcess } from "../support/processes/script_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const holder = new URL("./folder_lock_holder.ts", import.meta.url);

function refusal(folder: string): ChatError {
  try {
    lockFolder(folder).release();
  } catch (error) {
    if (error instanceof ChatError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: "The folder was not locked" });
}

Deno.test("a data folder has one owner at a time, and is free after its owner was killed", async () => {
  using folder = temporaryFolder();
  const other = new ScriptProcess(holder, folder.path);
  assert.equal(await other.nextLine(), "locked");
  const { code, message } = refusal(folder.path);
  assert.equal(code, "busy");
  assert.ok(message.includes(`"${folder.path}" is in use by another chatd server (process ${other.pid})`), message);
  assert.ok(message.includes("stop that server"), message);
  await other.kill();
  lockFolder(folder.path).release();
});

Deno.test("the same process cannot take a data folder twice", () => {
  using folder = temporaryFolder();
  const lock = lockFolder(folder.path);
  assert.equal(refusal(folder.path).code, "busy");
  lock.release();
  lock.release();
  using again = lockFolder(folder.path);
  assert.equal(refusal(folder.path).code, "busy");
  assert.ok(again);
});

Deno.test("lockFolder() creates the folder and its file for their owner only", () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/new/data`;
  lockFolder(path).release();
  assert.equal(Deno.statSync(path).mode! & 0o777, 0o700);
  assert.equal(Deno.statSync(`${path}/chatd.lock`).mode! & 0o777, 0o600);
});

Deno.test("lockFolder() refuses a path that is not a folder", () => {
  using folder = temporaryFolder();
  Deno.writeTextFileSync(`${folder.path}/file`, "");
  for (const path of [`${folder.path}/file`, `${folder.path}/file/data`]) {
    const { code, message } = refusal(path);
    assert.equal(code, "invalid_argument");
    assert.ok(message.includes(`"${path}" is not a folder`), message);
  }
});

Deno.test({
  name: "lockFolder() names missing permissions",
  permissions: { read: false, write: false },
  fn() {
    const { code, message } = refusal("elsewhere");
    assert.equal(code, "permission_denied");
    assert.ok(message.includes(`--allow-read="elsewhere" --allow-write="elsewhere"`), message);
  },
});

Deno.test("tryLockFolder() has no lock while another has it, and lastOwner() names the process", () => {
  using folder = temporaryFolder();
  {
    using lock = tryLockFolder(folder.path);
    assert.ok(lock);
    assert.equal(tryLockFolder(folder.path), undefined);
  }
  using again = tryLockFolder(folder.path);
  assert.ok(again);
  assert.equal(lastOwner(folder.path), Deno.pid);
  Deno.writeTextFileSync(`${folder.path}/file`, "");
  assert.throws(() => tryLockFolder(`${folder.path}/file`), { code: "invalid_argument" });
});
