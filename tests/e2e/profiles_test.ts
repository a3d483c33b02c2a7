/** The profiles and logins of script commands, as separate processes, over gRPC. */
import assert from "node:assert/strict";
import { runChatd } from "../support/processes/chatd_process.ts";
import { jsonLines, scriptPassword, type ScriptUser } from "../support/processes/script_user.ts";
import { withUsers } from "../support/processes/with_users.ts";

/** Logs in with the password. */
function logIn(user: ScriptUser, args: readonly string[]): ReturnType<typeof runChatd> {
  return runChatd({ args: ["login", ...args], env: { ...user.env, CHATD_PASSWORD: scriptPassword } });
}

Deno.test("a profile keeps the user and server, for its owner only, until logout", async () => {
  await withUsers(async ({ ana, server, folder }) => {
    const again = await logIn(ana, ["--profile", "work", "--user", "ana", "--server", `127.0.0.1:${server.port}`]);
    assert.deepEqual([again.code, again.stdout], [0, ""], again.stderr);
    const listed = await ana.run(["profiles", "--json"]);
    const address = `127.0.0.1:${server.port}`;
    const profile = { user: "ana", via: "grpc", address, loggedIn: true };
    assert.deepEqual(jsonLines(listed.stdout), [{ name: "default", ...profile }, { name: "work", ...profile }]);
    const path = `${folder}/ana/chatd/profiles/default.json`;
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    assert.ok(!Deno.readTextFileSync(path).includes(scriptPassword));

    assert.equal((await ana.run(["send", "--profile", "work", "--to", "ben", "hello"])).code, 0);
    assert.equal((await ana.run(["logout", "--profile", "work"])).code, 0);
    const out = await ana.run(["send", "--profile", "work", "--to", "ben", "hello"]);
    assert.deepEqual([out.code, out.stdout], [3, ""]);
    assert.match(out.stderr, /^chatd: There is no profile "work": create it with "chatd login --profile work/);
  });
});

Deno.test("two profiles of a user have logins of their own: logging one out leaves the other", async () => {
  await withUsers(async ({ ana, server }) => {
    const place = ["--user", "ana", "--server", `127.0.0.1:${server.port}`];
    const without = await ana.run(["login", "--profile", "work", ...place]);
    assert.equal(without.code, 3, "the login of the default profile is not that of another");
    for (const name of ["work", "home"]) assert.equal((await logIn(ana, ["--profile", name, ...place])).code, 0);
    const devices = jsonLines((await ana.run(["devices", "--json", "--profile", "work"])).stdout);
    assert.equal(new Set(devices.map(({ id }) => id)).size, 3);
    assert.match(String(devices.find(({ current }) => current)?.name), /, profile work$/);
    const sends = (...options: string[]) => ana.run(["send", "--to", "ben", "hello", ...options]);
    assert.equal((await ana.run(["logout", "--profile", "work"])).code, 0);
    assert.deepEqual([(await sends()).code, (await sends("--profile", "home")).code], [0, 0]);
    assert.equal((await ana.run(["logout"])).code, 0);
    assert.deepEqual([(await sends()).code, (await sends("--profile", "home")).code], [3, 0]);
    const piped = await ana.run(["grpc-client", "--profile", "home", "--to", "ben"], "from a pipe\n");
    assert.deepEqual([piped.code, piped.stderr], [0, ""]);
    const elsewhere = await ana.run(["send", "--to", "ben", "--profile", "home", "--server", "127.0.0.1:1", "x"]);
    assert.match(elsewhere.stderr, /There is no saved login/, "its token is for its own server alone");
  });
});

Deno.test("profiles of an older version keep their shared login until the next login, and then their position", async () => {
  await withUsers(async ({ ana, ben, server, folder }) => {
    const profiles = `${folder}/ana/chatd/profiles`;
    Deno.copyFileSync(`${profiles}/default.json`, `${profiles}/work.json`);
    Deno.copyFileSync(`${profiles}/default.json`, `${profiles}/third.json`);
    for (const text of ["one", "two"]) assert.equal((await ben.run(["send", "--to", "ana", text])).code, 0);
    const tail = async (...options: string[]) => {
      const { code, stdout, stderr } = await ana.run(["tail", "--json", "--profile", "work", ...options]);
      assert.equal(code, 0, stderr);
      return jsonLines(stdout).map(({ text }) => text);
    };
    assert.deepEqual(await tail("--since", "1h", "--count", "1"), ["one"]);

    const third = await ana.run(["logout", "--profile", "third"]);
    assert.match(third.stderr, /^chatd: Removed the profile "third"\. The profile "default" keeps the login/);
    assert.equal((await ana.run(["send", "--profile", "work", "--to", "ben", "hello"])).code, 0);

    const place = ["--user", "ana", "--server", `127.0.0.1:${server.port}`];
    assert.equal((await logIn(ana, ["--profile", "work", ...place])).code, 0);
    assert.equal((await ben.run(["send", "--to", "ana", "late"])).code, 0);
    assert.deepEqual(await tail("--count", "3"), ["two", "hello", "late"]);
    assert.equal((await ana.run(["logout", "--profile", "work"])).code, 0);
    assert.equal((await ana.run(["send", "--to", "ben", "hello"])).code, 0);
  });
});

Deno.test("login checks a password that it is given, also when a login is saved", async () => {
  await withUsers(async ({ ana, server, folder }) => {
    const file = `${folder}/password`;
    const login = ["login", "--user", "ana", "--server", `127.0.0.1:${server.port}`, "--password-file", file];
    Deno.writeTextFileSync(file, "wrong password\n");
    const wrong = await ana.run(login);
    assert.deepEqual([wrong.code, wrong.stdout], [3, ""], wrong.stderr);
    assert.equal((await ana.run(["users"])).code, 0);
    Deno.writeTextFileSync(file, `${scriptPassword}\n`);
    const right = await ana.run(login);
    assert.equal(right.code, 0, right.stderr);
    assert.equal((await ana.run(["users"])).code, 0);
  });
});

Deno.test("an exported server does not stop a command with a profile, and beats the profile", async () => {
  await withUsers(async ({ ana, server }) => {
    const address = `127.0.0.1:${server.port}`;
    const run = (env: Record<string, string>, ...more: string[]) => {
      return runChatd({ args: ["users", ...more], env: { ...ana.env, ...env } });
    };
    const same = await run({ CHATD_SERVER: address });
    assert.deepEqual([same.code, same.stderr], [0, ""]);
    const elsewhere = await run({ CHATD_SERVER: "127.0.0.1:1", CHATD_PASSWORD: scriptPassword });
    assert.equal(elsewhere.code, 4, elsewhere.stderr);
    // The token of the profile is not sent to another server.
    assert.equal((await run({ CHATD_SERVER: "127.0.0.1:1" })).code, 3);
    assert.equal((await run({ CHATD_SERVER: "127.0.0.1:1" }, "--server", address)).code, 0);
    assert.equal((await run({ CHATD_SERVER: "127.0.0.1:1" }, "--profile", "default")).code, 0);
  });
});

Deno.test("a profile keeps several servers, and one of an older version has one", async () => {
  await withUsers(async ({ ana, ben, server, folder }) => {
    const first = `127.0.0.1:${server.port}`;
    const servers = ["--user", "ana", "--server", `${first},127.0.0.1:1`, "--insecure"];
    assert.equal((await logIn(ana, ["--profile", "both", ...servers])).code, 0);
    const path = `${folder}/ana/chatd/profiles/both.json`;
    const saved = JSON.parse(Deno.readTextFileSync(path));
    assert.deepEqual(saved.profile.server, { host: "127.0.0.1", port: server.port });
    assert.equal(saved.profile.servers.length, 2);
    assert.equal((await ana.run(["send", "--profile", "both", "--to", "ben", "from both"])).code, 0);
    delete saved.profile.servers;
    Deno.writeTextFileSync(path, JSON.stringify(saved));
    // The login belongs to the first server.
    assert.equal((await ana.run(["send", "--profile", "both", "--to", "ben", "from one"])).code, 0);
    const elsewhere = await ana.run(["send", "--profile", "both", "--server", "127.0.0.1:1", "--to", "ben", "x"]);
    assert.match(elsewhere.stderr, /There is no saved login/);
    const history = await ben.run(["history", "--with", "ana", "--json"]);
    assert.deepEqual(jsonLines(history.stdout).map(({ text }) => text), ["from both", "from one"]);
  });
});

Deno.test("a command goes on to the next server, and names all that do not serve", async () => {
  await withUsers(async ({ ana, server }) => {
    const send = (...servers: number[]) => {
      const list = servers.map((port) => `127.0.0.1:${port}`).join(",");
      return runChatd({
        args: ["send", "--user", "ana", "--server", list, "--to", "ben", "hello"],
        env: { ...ana.env, CHATD_PASSWORD: scriptPassword },
      });
    };
    const sent = await send(1, server.port);
    assert.deepEqual([sent.code, sent.stderr], [0, ""]);
    const none = await send(1, 2);
    assert.equal(none.code, 4);
    assert.match(
      none.stderr,
      /server at 127\.0\.0\.1:1: connection refused.*server at 127\.0\.0\.1:2: connection refused/,
    );
  });
});
