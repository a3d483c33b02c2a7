import assert from "node:assert/strict";
import { Operator } from "../../src/app/operator.ts";
import { openChat } from "../../src/app/open_chat.ts";
import { silentLog } from "../../src/core/log.ts";
import { lockFolder } from "../../src/store/folder_lock.ts";
import { rejectsWith, throwsWith } from "../support/checks/chat_error_assertions.ts";
import { FakeHasher } from "../support/fakes/fake_hasher.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const password = "correct horse";

function serve(folder: string) {
  const opened = openChat({
    folder,
    registration: "invite",
    rate: { perSecond: 100, burst: 100 },
    log: silentLog,
    hasher: new FakeHasher(),
  });
  return { ...opened, [Symbol.asyncDispose]: () => opened.close() };
}

async function names(operator: Operator): Promise<string[]> {
  const users = [];
  for await (const { name, disabled } of operator.listUsers()) users.push(disabled ? `${name} (disabled)` : name);
  return users;
}

Deno.test("without a server, the operator opens the folder and releases it", async () => {
  using folder = temporaryFolder();
  const data = `${folder.path}/data`;
  const operator = new Operator({ dataDir: data });
  await operator.addUser("ana", { password });
  await rejectsWith("already_exists", operator.addUser("ana", { password }));
  await rejectsWith("invalid_argument", operator.addUser("ben", { password: "short" }));
  await rejectsWith("invalid_argument", operator.addUser("system", { password }));
  await operator.disable("ana");
  assert.deepEqual(await names(operator), ["ana (disabled)"]);
  await operator.enable("ana");
  assert.equal((await operator.findUser("ana"))?.disabled, false);
  assert.equal(await operator.findUser("ben"), undefined);
  await rejectsWith("not_found", operator.disable("ben"));
  lockFolder(data).release();
});

Deno.test("the operator sets display names and status texts, and allows names that look alike", async () => {
  using folder = temporaryFolder();
  const operator = new Operator({ dataDir: `${folder.path}/data` });
  await operator.addUser("ana", { password });
  const similar = await rejectsWith("already_exists", operator.addUser("4na", { password }));
  assert.match(similar.message, /^The name "4na" looks like a name that is taken/);
  await operator.addUser("4na", { password, allowSimilar: true });
  await operator.addUser("ben", { password });
  await rejectsWith("already_exists", operator.setDisplayName("ben", { displayName: "Аna" }));
  assert.equal((await operator.findUser("ben"))?.displayName, "");
  await operator.setDisplayName("ben", { displayName: "Аna", allowSimilar: true });
  await operator.setStatus("ben", "on call");
  const { displayName, status } = (await operator.findUser("ben"))!;
  assert.deepEqual([displayName, status], ["Аna", "on call"]);
  await operator.setDisplayName("ben", { displayName: "" });
  await operator.setStatus("ben", "");
  assert.deepEqual([(await operator.findUser("ben"))?.displayName, (await operator.findUser("ben"))?.status], ["", ""]);
  await rejectsWith("not_found", operator.setDisplayName("eve", { displayName: "Eve" }));
  await rejectsWith("not_found", operator.setStatus("eve", "here"));
});

Deno.test("without a server, only commands that add something create a data folder", async () => {
  using folder = temporaryFolder();
  const data = `${folder.path}/typo`;
  const operator = new Operator({ dataDir: data });
  for (
    const call of [() => names(operator), () => operator.disable("ana"), () => operator.setPassword("ana", password)]
  ) {
    assert.match((await rejectsWith("not_found", call())).message, /typo.*--data/);
  }
  await assert.rejects(Deno.stat(data), Deno.errors.NotFound);
  assert.match(await operator.createInvite({ lifetimeMs: 60_000 }), /^[0-9a-z-]{23}$/);
});

Deno.test("with a server, the operator's commands run in the server", async () => {
  using folder = temporaryFolder();
  await using server = serve(folder.path);
  const { accounts } = server.chat;
  const operator = new Operator({ dataDir: folder.path });
  await operator.addUser("ana", { password });
  const device = { deviceName: "", deviceId: "", address: "192.0.2.1" };
  const { token } = await accounts.logIn({ user: "ana", password, ...device });
  const revoked: string[] = [];
  accounts.onRevoked(({ user }) => revoked.push(user));
  await operator.disable("ana");
  assert.deepEqual(revoked, ["ana"]);
  await rejectsWith("unauthenticated", accounts.authenticate(token));
  await operator.enable("ana");
  await operator.setPassword("ana", "another password");
  await accounts.logIn({ user: "ana", password: "another password", ...device });
  const invite = await operator.createInvite({ lifetimeMs: 60_000 });
  await accounts.register({ user: "ben", password, invite, deviceName: "", address: "192.0.2.1" });
  assert.deepEqual(await names(operator), ["ana", "ben"]);
  await rejectsWith("not_found", operator.enable("cleo"));
});

Deno.test("listUsers() continues after the end of a reply", async () => {
  using folder = temporaryFolder();
  await using server = serve(folder.path);
  for (let i = 0; i < 501; i++) await server.chat.accounts.addUser({ name: `user${i}`, password });
  assert.equal(new Set(await names(new Operator({ dataDir: folder.path }))).size, 501);
});

Deno.test("the operator waits for a folder that another process holds for a moment", async () => {
  using folder = temporaryFolder();
  const operator = new Operator({ dataDir: folder.path });
  await operator.addUser("ana", { password });
  const lock = lockFolder(folder.path);
  const listed = names(operator);
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, 100);
  await Promise.race([promise, listed]);
  clearTimeout(timer);
  lock.release();
  assert.deepEqual(await listed, ["ana"]);
});

Deno.test({
  name: "a folder that Deno does not allow is refused with the flags to add",
  permissions: { read: true, write: false },
  fn() {
    const { message } = throwsWith("permission_denied", () => new Operator({ dataDir: "/srv/a folder" }));
    assert.match(message, /--allow-write='\/srv\/a folder' to deno run/);
    assert.ok(!message.includes("--allow-read"));
  },
});

Deno.test("a folder whose server keeps its data in a database is not used without it", async () => {
  using folder = temporaryFolder();
  Deno.writeTextFileSync(`${folder.path}/lease`, "token\n");
  const refusal = await rejectsWith(
    "invalid_argument",
    new Operator({ dataDir: folder.path }).addUser("ana", { password }),
  );
  assert.match(refusal.message, /keeps its data in a database: give --database .*, or choose another folder/);
  assert.equal(throwsWith("invalid_argument", () => serve(folder.path)).message, refusal.message);
  Deno.removeSync(`${folder.path}/lease`);
  await new Operator({ dataDir: folder.path }).addUser("ana", { password });
});
