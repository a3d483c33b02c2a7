import assert from "node:assert/strict";
import { ClientState } from "../../../src/app/client/client_state.ts";

async function inFolder(use: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name);
}

Deno.test("the next run reads the saved state, separately for each server and user", async () => {
  await inFolder((folder) => {
    const open = (server: string, user: string) => new ClientState({ server, user, folder });
    assert.deepEqual(open("host:1", "ana").read(), {});
    open("host:1", "ana").update(() => ({ token: "secret", deviceId: "d1" }));
    open("host:1", "ana").update((saved) => ({ ...saved, lastRecipient: "ben" }));
    assert.deepEqual(open("host:1", "ana").read(), { token: "secret", deviceId: "d1", lastRecipient: "ben" });
    assert.deepEqual(open("host:1", "ben").read(), {});
    assert.deepEqual(open("host:2", "ana").read(), {});
    assert.deepEqual(open("../../host:2", "ana").read(), {});
  });
});

Deno.test("a login of its own shares neither the state nor the consumers of the others", async () => {
  await inFolder((folder) => {
    const logins = [undefined, "work", "home"];
    const open = (ownLogin?: string) => new ClientState({ server: "host:1", user: "ana", ownLogin, folder });
    for (const name of logins) open(name).update(() => ({ token: `of ${name}` }));
    assert.deepEqual(logins.map((name) => open(name).read().token), ["of undefined", "of work", "of home"]);
    using stack = new DisposableStack();
    assert.deepEqual(logins.map((name) => stack.use(open(name).takeConsumer("ui")).name), ["ui", "ui", "ui"]);
    new ClientState({ server: "host:1", user: "ana+work", folder }).update(() => ({ token: "of another user" }));
    assert.equal(open("work").read().token, "of work");
  });
});

Deno.test("only the owner can read the state, and no temporary file remains", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await inFolder((parent) => {
    const folder = `${parent}/state/chatd`;
    const state = new ClientState({ server: "host:1", user: "ana", folder });
    state.update(() => ({ token: "secret" }));
    state.takeConsumer("ui")[Symbol.dispose]();
    assert.equal(Deno.statSync(folder).mode! & 0o777, 0o700);
    for (const name of names(folder)) assert.equal(Deno.statSync(`${folder}/${name}`).mode! & 0o777, 0o600, name);
    assert.deepEqual(names(folder).filter((name) => name.endsWith(".tmp")), []);
  });
});

Deno.test("a damaged file counts as an empty state", async () => {
  await inFolder((folder) => {
    const state = new ClientState({ server: "host:1", user: "ana", folder });
    state.update(() => ({ token: "secret" }));
    const file = names(folder).find((name) => name.endsWith(".json"))!;
    for (const damaged of ["", "{", "null", "7"]) {
      Deno.writeTextFileSync(`${folder}/${file}`, damaged);
      assert.deepEqual(state.read(), {});
    }
  });
});

Deno.test("concurrent terminals take different consumers, and release them", async () => {
  await inFolder((folder) => {
    const take = () => new ClientState({ server: "host:1", user: "ana", folder }).takeConsumer("ui");
    using first = take();
    const second = take();
    using third = take();
    assert.deepEqual([first.name, second.name, third.name], ["ui", "ui-2", "ui-3"]);
    second[Symbol.dispose]();
    using again = take();
    assert.equal(again.name, "ui-2");
    using other = new ClientState({ server: "host:1", user: "ben", folder }).takeConsumer("ui");
    assert.equal(other.name, "ui");
  });
});

Deno.test("consumers of different users never conflict, regardless of names", async () => {
  await inFolder((folder) => {
    const open = (user: string) => new ClientState({ server: "host:1", user, folder });
    for (const [user, consumer, other] of [["ana", "ops", "ana.ops"], ["ben", "a_b", "ben_a_b"], ["c", "ui", "c@ui"]]) {
      using taken = open(user).takeConsumer(consumer);
      assert.equal(taken.name, consumer);
      open(other).update(() => ({ token: other }));
      open(user).update(() => ({ token: user }));
      using others = open(other).takeConsumer(consumer);
      assert.equal(others.name, consumer);
      assert.deepEqual([open(user).read().token, open(other).read().token], [user, other]);
    }
  });
});

Deno.test("a locked state is waited for, up to a limit", async () => {
  await inFolder((folder) => {
    const state = new ClientState({ server: "host:1", user: "ana", folder, lockPatienceMs: 100 });
    state.update(() => ({ token: "secret" }));
    const file = names(folder).find((name) => name.endsWith(".lock"))!;
    using lock = Deno.openSync(`${folder}/${file}`, { write: true });
    lock.lockSync(true);
    assert.throws(() => state.update(() => ({})), { code: "busy", message: /locked/ });
    lock.unlockSync();
    state.update((saved) => ({ ...saved, deviceId: "d1" }));
    assert.deepEqual(state.read(), { token: "secret", deviceId: "d1" });
  });
});

Deno.test("takeConsumer() takes no more consumers than a server allows per device", async () => {
  await inFolder((folder) => {
    const state = new ClientState({ server: "host:1", user: "ana", folder });
    using stack = new DisposableStack();
    for (let count = 0; count < 32; count++) stack.use(state.takeConsumer("ui"));
    assert.throws(() => state.takeConsumer("ui"), { code: "busy" });
  });
});

Deno.test("an error names the folder that cannot be used", async () => {
  await inFolder((folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "");
    assert.throws(() => new ClientState({ server: "host:1", user: "ana", folder: `${folder}/file/x` }), {
      code: "invalid_argument",
      message: /file\/x: .*XDG_STATE_HOME/,
    });
    Deno.mkdirSync(`${folder}/host%3A1_ana.json`);
    assert.throws(() => new ClientState({ server: "host:1", user: "ana", folder }).read(), {
      code: "invalid_argument",
      message: /^Cannot read the login in [^\n]+_ana\.json: it is a folder\. /,
    });
  });
});
