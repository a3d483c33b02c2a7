import assert from "node:assert/strict";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { type ChatdResult, runChatd } from "../support/processes/chatd_process.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const env = { CHATD_PASSWORD: "correct horse" };

async function user(folder: string, line: string, more: { env?: Record<string, string> } = {}): Promise<ChatdResult> {
  return await runChatd({ args: ["user", ...line.split(" "), "--data", folder], env: more.env ?? env });
}

async function done(result: Promise<ChatdResult>): Promise<string> {
  const { code, stdout, stderr } = await result;
  assert.equal(code, 0, stderr);
  return stdout;
}

Deno.test("chatd user adds, lists, disables and enables users without a server", async () => {
  using folder = temporaryFolder();
  const data = `${folder.path}/data`;
  assert.equal(await done(user(data, "add ana")), "Added ana.\n");
  await done(user(data, "disable ana"));
  assert.match(await done(user(data, "list")), /^ana\t\d{4}-\d\d-\d\dT[\d:.]+Z\tdisabled\n$/);
  await done(user(data, "enable ana"));
  assert.match(await done(user(data, "list")), /\tenabled\n$/);
  assert.equal((await Deno.stat(data)).mode! & 0o777, 0o700);
});

Deno.test("chatd user sets and removes display names, and permits names that look alike", async () => {
  using folder = temporaryFolder();
  const data = `${folder.path}/data`;
  await done(user(data, "add ana"));
  const refused = await user(data, "add 4na");
  assert.deepEqual([refused.code, refused.stdout], [1, ""]);
  assert.match(refused.stderr, /^chatd: The name "4na" looks like a name that is taken: choose another\. .*operator/);
  assert.equal(await done(user(data, "add 4na --allow-similar")), "Added 4na.\n");
  assert.equal(
    await done(user(data, "set 4na --display-name Maria --status away")),
    "Set the display name of 4na.\nSet the status of 4na.\n",
  );
  assert.match(await done(user(data, "list")), /^4na\t[^\t]+\tenabled\tMaria\taway\nana\t[^\t]+\tenabled\n$/);
  assert.match((await user(data, "set ana --display-name MARIA")).stderr, /"MARIA" looks like a name that is taken/);
  await done(user(data, "set ana --display-name MARIA --allow-similar"));
  await done(user(data, "set ana --display-name="));
  assert.match(await done(user(data, "list")), /\nana\t[^\t]+\tenabled\n$/);
  assert.match((await user(data, "set ben --status here")).stderr, /no user "ben"/);
  assert.equal((await user(data, "set ana")).code, 2);
});

Deno.test("chatd user says what failed in one line, and exits 1", async () => {
  using folder = temporaryFolder();
  const data = `${folder.path}/data`;
  await done(user(data, "add ana"));
  const table: [string, Record<string, string>, RegExp][] = [
    ["add ana", env, /"ana" is taken/],
    ["add ben", { CHATD_PASSWORD: "short" }, /at least 8/],
    ["add ben", {}, /--password-file FILE or in CHATD_PASSWORD/],
    ["add system", env, /reserved/],
    ["add ben --password-file nowhere", env, /does not exist/],
    ["passwd ben", env, /no user "ben"/],
    ["disable ben", env, /no user "ben"/],
  ];
  for (const [line, env, message] of table) {
    const { code, stdout, stderr } = await user(data, line, { env });
    assert.deepEqual([code, stdout], [1, ""], line);
    assert.match(stderr, /^chatd: [^\n]+\n$/);
    assert.match(stderr, message);
  }
  const { code, stderr } = await user(`${folder.path}/typo`, "list");
  assert.equal(code, 1);
  assert.match(stderr, /no chatd data/);
});

Deno.test("chatd user works through a running server, and ends live sessions of who is disabled", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: folder.path, args: ["--registration", "invite"] });
  const transport = new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
  const logIn = { user: "ana", password: env.CHATD_PASSWORD, deviceName: "laptop", deviceId: "" };

  await done(user(folder.path, "add ana"));
  const { credentials } = await transport.logIn(logIn, {});
  assert.ok(credentials);

  const link = await transport.connect({});
  const hello = {
    protocolVersion: 1,
    token: credentials.token,
    consumer: "",
    resumeAfter: 0,
    epoch: "",
    callback: undefined,
    client: "test",
  };
  link.send({ requests: [{ id: 1, kind: { $case: "hello", value: hello } }] });
  let disabled: Promise<string> | undefined;
  const ended = await rejectsWith(
    "token_revoked",
    (async () => {
      for await (const frame of link.frames) {
        if (frame.items.some(({ kind }) => kind?.$case === "reply")) disabled = done(user(folder.path, "disable ana"));
      }
    })(),
  );
  assert.equal(ended.message, `The account "ana" was disabled. Ask the operator.`);
  await link.close();
  await disabled;
  await rejectsWith("permission_denied", transport.logIn(logIn, {}));

  await done(user(folder.path, "enable ana"));
  await done(user(folder.path, "passwd ana", { env: { CHATD_PASSWORD: "another password" } }));
  await rejectsWith("unauthenticated", transport.logIn(logIn, {}));
  await transport.logIn({ ...logIn, password: "another password" }, {});

  const register = { user: "ben", password: "correct horse", deviceName: "" };
  await rejectsWith("invite_invalid", transport.register({ ...register, invite: "" }, {}));
  const invite = (await done(user(folder.path, "invite --expires 1h"))).trim();
  await transport.register({ ...register, invite }, {});
  await rejectsWith("invite_invalid", transport.register({ ...register, user: "cleo", invite }, {}));

  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0);
  assert.match(await done(user(folder.path, "list")), /^ana\t.*\nben\t/);
});

Deno.test("a server that was killed leaves a socket behind that stops nobody", async () => {
  using folder = temporaryFolder();
  {
    await using _killed = await ServerProcess.start({ folder: folder.path });
  }
  assert.ok((await Deno.stat(`${folder.path}/chatd.sock`)).isSocket);
  await done(user(folder.path, "add ana"));
  await using _second = await ServerProcess.start({ folder: folder.path });
  await done(user(folder.path, "disable ana"));
});

Deno.test("chatd user needs named permissions only, and names those that are missing", async () => {
  using folder = temporaryFolder();
  const data = `${folder.path}/data`;
  const files = [`--allow-read=${data}`, `--allow-write=${data}`, "--allow-env=CHATD_*"];
  const args = ["user", "add", "ana", "--data", data];
  const needed = [...files, `--allow-net=unix:${data}/chatd.sock`];
  assert.equal((await runChatd({ args, env, permissions: needed })).code, 0);
  const table: [string[], string][] = [
    [needed.filter((flag) => !flag.startsWith("--allow-read")), `--allow-read=${data}`],
    [needed.filter((flag) => !flag.startsWith("--allow-write")), `--allow-write=${data}`],
    [files, `--allow-net=unix:${data}/chatd.sock`],
  ];
  for (const [permissions, flag] of table) {
    const { code, stderr } = await runChatd({ args, env, permissions });
    assert.equal(code, 1);
    assert.match(stderr, /^chatd: [^\n]+\n$/);
    assert.ok(stderr.includes(flag), stderr);
  }
});

Deno.test("chatd audit tells what happened, through a running server and without one", async () => {
  using folder = temporaryFolder();
  const data = `${folder.path}/data`;
  const audit = (line = "") =>
    done(runChatd({ args: ["audit", "--data", data, ...line.split(" ").filter((word) => word !== "")] }));
  const events = (text: string) => text.trimEnd().split("\n").map((line) => line.split("\t").slice(1, 4).join(" "));
  await done(user(data, "add ana"));
  assert.deepEqual(events(await audit()), ["operator user_added ana"]);
  {
    await using server = await ServerProcess.start({ folder: data });
    const transport = new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
    const logIn = { user: "ana", deviceName: "laptop", deviceId: "" };
    for (let i = 0; i < 2; i++) {
      await rejectsWith("unauthenticated", transport.logIn({ ...logIn, password: "wrong!!!" }, {}));
    }
    await transport.logIn({ ...logIn, password: env.CHATD_PASSWORD }, {});
    await done(user(data, "disable ana"));
    await done(runChatd({ args: ["backup", `${folder.path}/backup`, "--data", data] }));
    const told = ["operator user_added ana", "- log_in_failed ana", "ana logged_in -", "operator user_disabled ana"];
    const lines = events(await audit());
    // Two failures that a minute's end came between are two lines.
    assert.deepEqual([...new Set(lines)], [...told, "operator backup_made -"]);
    assert.deepEqual([...new Set(events(await audit("--user ana")))], told);
    const json = (await audit("--json --user ana")).trimEnd().split("\n").map((line) => JSON.parse(line));
    const failed = json.filter(({ action }) => action === "log_in_failed");
    assert.equal(failed.reduce((sum, { count }) => sum + count, 0), 2);
    assert.deepEqual([failed[0].subject, failed[0].address], ["ana", "127.0.0.1"]);
    assert.ok(Math.abs(Date.parse(failed[0].at) - Date.now()) < 600_000);
    assert.equal(await audit("--since 2999-01-01"), "");
  }
  assert.ok(events(await audit()).includes("operator backup_made -"));
  const { code, stderr } = await runChatd({ args: ["audit", "--since", "yesterday"] });
  assert.deepEqual([code, stderr.includes('"yesterday" is not a time such as')], [2, true], stderr);
});
