/** Rooms, devices, passwords, and the short way in, by commands of separate processes over gRPC. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { exitCode } from "../../src/commands/exit_code.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { Child } from "../support/processes/child_process.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { jsonLines, scriptPassword, ScriptUser } from "../support/processes/script_user.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { hasTmux, Tmux } from "../support/processes/tmux.ts";
import { eventually } from "../support/waiting/eventually.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Context {
  readonly ana: ScriptUser;
  readonly ben: ScriptUser;
  readonly folder: string;
  readonly port: number;
}

async function withUsers(use: (context: Context) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  const place = ["--server", `127.0.0.1:${server.port}`];
  const [ana, ben] = ["ana", "ben"].map((user) => new ScriptUser(user, { folder: folder.path, place }));
  for (const user of [ana, ben]) assert.equal((await user.register()).code, 0);
  await use({ ana, ben, folder: folder.path, port: server.port });
}

async function done(user: ScriptUser, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await user.run(args, input);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Passes bytes on to a port, and cuts the client off once it has said `word`, which still arrives. */
class CuttingProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #ends: Deno.Conn[] = [];
  readonly #done: Promise<void>;

  constructor(port: number, word: string) {
    this.#done = this.#serve(port, word);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const end of this.#ends) end.close();
    await this.#done;
  }

  async #serve(port: number, word: string): Promise<void> {
    const passing: Promise<void>[] = [];
    for await (const client of this.#listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      this.#ends.push(client, server);
      passing.push(pass(client, server, word), pass(server, client));
    }
    await Promise.all(passing);
  }
}

async function pass(from: Deno.Conn, to: Deno.Conn, word?: string): Promise<void> {
  const buffer = new Uint8Array(16_384);
  try {
    for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
      await to.write(buffer.subarray(0, count));
      // Text is not compressed.
      if (word === undefined || !new TextDecoder().decode(buffer.subarray(0, count)).includes(word)) continue;
      return await from.closeWrite();
    }
    await to.closeWrite();
  } catch {
    // The test is over.
  }
}

Deno.test("passwd whose reply is lost says that the password may have changed, and what to do", async () => {
  await withUsers(async ({ ana, folder, port }) => {
    const next = "a new and long password";
    await using proxy = new CuttingProxy(port, next);
    const through = new ScriptUser("ana", { folder, place: ["--server", `127.0.0.1:${proxy.port}`] });
    const env = { ...through.env, CHATD_PASSWORD: scriptPassword, CHATD_NEW_PASSWORD: next };
    const place = ["--user", "ana", "--server", `127.0.0.1:${proxy.port}`];
    for (const limit of [[], ["--timeout", "30s"]]) {
      const { code, stderr } = await runChatd({ args: ["passwd", ...place, ...limit], env });
      assert.equal(code, exitCode.noConnection, stderr);
      assert.match(
        stderr,
        /^chatd: [^\n]+, so it is not known whether the password was changed: log in with the new /m,
      );
      env.CHATD_PASSWORD = next;
    }
    // The server may still be at the change when its client is cut off.
    const login = ["login", "--user", "ana", "--server", `127.0.0.1:${port}`];
    const logIn = () => runChatd({ args: login, env: { ...ana.env, CHATD_PASSWORD: next } });
    await eventually(async () => (await logIn()).code === 0, () => "a login with the new password");
  });
});

Deno.test("a script creates, joins and leaves rooms, invites users and lists members", async () => {
  await withUsers(async ({ ana, ben }) => {
    assert.equal(await done(ana, ["rooms", "create", "#ops"]), "#ops\t#ops\t1\t\n");
    const [lab] = jsonLines(await done(ana, ["rooms", "create", "lab", "--private", "--json"]));
    assert.deepEqual([lab.name, lab.address, lab.public], ["lab", lab.id, undefined]);
    const id = String(lab.id);

    const outside = await ben.run(["send", "--to", "#ops", "let me in"]);
    assert.deepEqual([outside.code, outside.stdout], [exitCode.failed, ""]);
    await done(ben, ["send", "--to", "#ops", "--join", "joined by a script"]);
    await done(ben, ["send", "--to", "#ops", "--join", "joined before"]);
    assert.equal(await done(ben, ["rooms", "join", "#ops"]), "#ops\t#ops\t2\t\n");
    assert.equal((await ben.run(["rooms", "join", id])).code, exitCode.failed);
    await done(ana, ["rooms", "invite", id, "ben"]);
    assert.match(await done(ben, ["rooms", "--invited"]), /\tana\n$/);
    const short = `#lab${id.slice(0, 5)}`;
    await done(ben, ["rooms", "join", short]);
    await done(ben, ["send", "--to", short, "by its short address"]);
    assert.match(await done(ana, ["history", "--with", short]), /by its short address\n$/);
    assert.match(await done(ana, ["tail", "--conversation", short, "--since", "1", "--count", "1"]), /by its short/);
    assert.match((await ben.run(["send", "--to", "#lab", "x"])).stderr, /There is no room "#lab" that you can see/);
    const members = jsonLines(await done(ana, ["rooms", "members", id, "--json"]));
    assert.deepEqual(members.map(({ user, role }) => [user, role]), [["ana", "ROLE_OWNER"], ["ben", "ROLE_MEMBER"]]);
    await done(ben, ["rooms", "leave", id]);
    assert.match(await done(ana, ["rooms", "members", id]), /^ana\towner\t(online|offline)\n$/);

    assert.equal(await done(ana, ["rooms"]), "#ops\t#ops\t2\t\n");
    assert.equal(await done(ana, ["rooms", "op"]), "#ops\t#ops\t2\t\n");
    assert.equal(await done(ana, ["rooms", "--", "join"]), "");
    const person = await ana.run(["rooms", "join", "ops"]);
    assert.equal(person.code, exitCode.usage);
    assert.match(person.stderr, /"ops" is not a room: write "#ops"/);
    assert.equal((await ana.run(["send", "--to", "ben", "--join", "x"])).code, exitCode.usage);
  });
});

Deno.test("the operator adds a user to a private room, once, and the audit log has it", async () => {
  await withUsers(async ({ ana, ben, folder }) => {
    const [{ id }] = jsonLines(await done(ana, ["rooms", "create", "lab", "--private", "--json"]));
    const add = (user: string) => runChatd({ args: ["room", "add", String(id), user, "--data", `${folder}/data`] });
    const added = await add("ben");
    assert.deepEqual(added, { code: 0, stdout: `Added ben to room #lab (${id}).\n`, stderr: "" });
    await done(ben, ["send", "--to", String(id), "here I am"]);
    for (
      const [user, problem] of [["ben", /ben is already in room #lab/], ["carl", /There is no user "carl"/]] as const
    ) {
      const { code, stderr } = await add(user);
      assert.equal(code, exitCode.failed);
      assert.match(stderr, problem);
    }
    const audit = await runChatd({ args: ["audit", "--json", "--data", `${folder}/data`] });
    const entries = jsonLines(audit.stdout).filter(({ action }) => action === "room_member_added");
    assert.deepEqual(entries.map(({ actor, subject, detail }) => [actor, subject, detail]), [["operator", "ben", id]]);
  });
});

Deno.test("the operator sets who may mention all members, and the room, its log and the audit log have it", async () => {
  await withUsers(async ({ ana, ben, folder }) => {
    await done(ana, ["rooms", "create", "ops"]);
    await done(ben, ["rooms", "join", "#ops"]);
    const operate = (...args: string[]) => runChatd({ args: ["room", ...args, "--data", `${folder}/data`] });
    const shown = async () => (await operate("show", "#ops")).stdout;
    assert.match(await shown(), /^mentions: moderators and owners may use @room and @here$/m);
    const set = await operate("set", "#ops", "--mentions", "members");
    assert.deepEqual([set.code, set.stderr], [0, ""]);
    assert.match(set.stdout, /^In room #ops \(\+[a-z2-7]{26}\), all members may use @room and @here\.\n$/);
    assert.match(await shown(), /^mentions: all members may use @room and @here$/m);
    const [room] = jsonLines(await done(ben, ["rooms", "ops", "--json"]));
    assert.equal(room.mentionAll, "ROLE_MEMBER");
    await done(ben, ["send", "--to", "#ops", "@room, from a member"]);
    const [said] = jsonLines(await done(ana, ["history", "--with", "#ops", "--json"]));
    assert.deepEqual([said.audience, said.naming], ["AUDIENCE_ROOM", "NAMING_NEW"]);
    const audit = await runChatd({ args: ["audit", "--json", "--data", `${folder}/data`] });
    const entries = jsonLines(audit.stdout).filter(({ action }) => action === "room_changed");
    assert.deepEqual(entries.map(({ actor, subject, detail }) => [actor, subject, detail]), [
      ["operator", room.id, "mentions member"],
    ]);
    const unknown = await operate("set", "#ops", "--mentions", "friends");
    assert.equal(unknown.code, exitCode.usage);
    assert.match(unknown.stderr, /members.*moderators.*owners/);
    assert.equal((await operate("set", "#none", "--mentions", "owners")).code, exitCode.failed);
  });
});

Deno.test("a script lists its devices and logs one out", async () => {
  await withUsers(async ({ ana, folder, port }) => {
    const laptop = new ScriptUser("ana", { folder: `${folder}/laptop`, place: ["--server", `127.0.0.1:${port}`] });
    const login = await runChatd({
      args: ["login", "--user", "ana", "--server", `127.0.0.1:${port}`],
      env: { ...laptop.env, CHATD_PASSWORD: scriptPassword },
    });
    assert.equal(login.code, 0, login.stderr);
    const devices = jsonLines(await done(ana, ["devices", "--json"]));
    assert.equal(devices.length, 2);
    const other = devices.find(({ current }) => current !== true)!;
    assert.equal((await ana.run(["devices", "revoke", "none-such"])).code, exitCode.failed);
    await done(ana, ["devices", "revoke", String(other.id).slice(0, 12)]);
    assert.match(await done(ana, ["devices"]), /^[^\t\n]+\t[^\t\n]+\t[\d-]+T[^\t]+Z\t[\d-]+T[^\t]+Z\tcurrent\n$/);
    assert.equal((await laptop.run(["devices"])).code, exitCode.authentication);
  });
});

Deno.test("passwd takes passwords from stdin or files, ends other logins and keeps its own", async () => {
  await withUsers(async ({ ana, folder, port }) => {
    const other = new ScriptUser("ana", { folder: `${folder}/laptop`, place: [] });
    const login = (password: string) =>
      runChatd({
        args: ["login", "--user", "ana", "--server", `127.0.0.1:${port}`],
        env: { ...other.env, CHATD_PASSWORD: password },
      });
    assert.equal((await login(scriptPassword)).code, 0);
    const wrong = await ana.run(["passwd"], "not this one\nanother one\n");
    assert.deepEqual([wrong.code, wrong.stdout], [exitCode.authentication, ""]);
    assert.equal((await ana.run(["passwd"], `${scriptPassword}\n`)).code, exitCode.failed, "a line is missing");
    await done(ana, ["passwd"], `${scriptPassword}\nanother password\n`);
    await done(ana, ["devices"]);
    assert.equal((await other.run(["devices"])).code, exitCode.authentication);
    Deno.writeTextFileSync(`${folder}/old`, "another password\n");
    Deno.writeTextFileSync(`${folder}/new`, "the third password\n");
    await done(ana, ["passwd", "--password-file", `${folder}/old`, "--new-password-file", `${folder}/new`]);
    await done(ana, ["devices"]);
    assert.equal((await login("the third password")).code, 0);
  });
});

Deno.test("chat and --profile send a pipe's lines by the profile, and refuse commands", async () => {
  await withUsers(async ({ ana, ben }) => {
    await done(ana, ["rooms", "create", "ops"]);
    await done(ana, ["chat", "#ops"], "by chat\n");
    await done(ana, ["grpc-client", "--profile", "default", "--to", "#ops"], "by profile\n//slash\n");
    const refused = await ana.run(["chat", "ben"], "before\n/join #ops\nafter\n");
    assert.equal(refused.code, exitCode.failed);
    assert.match(refused.stderr, /^chatd: line 2: \/join is a command, and a pipe cannot run it\. It was not sent\./);
    const texts = async (address: string) =>
      jsonLines(await done(ana, ["history", "--with", address, "--json"])).map(({ text }) => text);
    assert.deepEqual(await texts("#ops"), ["by chat", "by profile", "/slash"]);
    assert.deepEqual(await texts("ben"), ["before", "after"]);
    await done(ana, ["send", "--to", "ben", "/join is literal"]);
    assert.equal((await texts("ben")).at(-1), "/join is literal");
    const unaddressed = await ana.run(["chat"], "x\n");
    assert.equal(unaddressed.code, exitCode.usage);
    assert.match(unaddressed.stderr, /ADDRESS is required/);
    const other = await ben.run(["amqp-client", "--profile", "default", "--to", "ana"], "x\n");
    assert.equal(other.code, exitCode.failed);
    assert.match(other.stderr, /connects over gRPC: use "chatd chat --profile default"/);
    const missing = await ben.run(["chat", "--profile", "work", "ana"], "x\n");
    assert.equal(missing.code, exitCode.authentication);
    assert.match(
      missing.stderr,
      /"chatd login --profile work --user NAME .*Saved profiles, for --profile: default\.\n$/,
    );
    assert.equal((await ben.run(["grpc-client", "--to", "ana"], "x\n")).code, exitCode.usage);
  });
});

Deno.test(
  "chatd alone opens the chat at a terminal if there is a profile, and the help if not",
  { ignore: !hasTmux },
  async () => {
    await withUsers(async ({ ana, folder }) => {
      await done(ana, ["rooms", "create", "ops"]);
      await using terminal = await Tmux.start({ folder, columns: 90, rows: 24 });
      const run = `"${Deno.execPath()}" run --quiet --no-check --cached-only -A "${root}main.ts"`;
      await terminal.type(`export XDG_STATE_HOME="${folder}/ana"; alias chatd='${run}'`, "Enter");
      await terminal.type("clear; CHATD_PROFILE=none chatd; echo code $?", "Enter");
      await terminal.sees(/code 2/);
      assert.match((await terminal.lines()).join("\n"), /Self-hosted chat in one executable/);
      await terminal.type("clear; CHATD_PLAIN=1 chatd", "Enter");
      await terminal.sees(/Connected to/);
      await terminal.type("/quit", "Enter");
      await terminal.sees(/\$ *$/);
      await terminal.type("clear; chatd chat --plain '#ops'", "Enter");
      await terminal.sees(/\[ana → #ops\]/);
      await terminal.type("hello room", "Enter");
      await terminal.sees(/hello room[^]*\n\[ana → #ops\]/);
      await terminal.type("/quit", "Enter");
      assert.match(await done(ana, ["history", "--with", "#ops"]), / ana: hello room\n$/);
    });
  },
);

Deno.test("commands wait for a server with --timeout, say so once, and log in when it is there", async () => {
  using folder = temporaryFolder();
  const data = `${folder.path}/data`;
  let port = 0;
  {
    await using server = await ServerProcess.start({ folder: data });
    port = server.port;
  }
  const env = { XDG_STATE_HOME: `${folder.path}/ana`, CHATD_PASSWORD: scriptPassword };
  const place = ["--via", "grpc", "--user", "ana", "--server", `127.0.0.1:${port}`];
  for (const args of [["login", ...place.slice(2)], ["rooms", ...place], ["send", "--to", "ana", "x", ...place]]) {
    const { code, stdout, stderr } = await runChatd({ args: [...args, "--timeout", "3s"], env });
    assert.deepEqual([code, stdout], [exitCode.noConnection, ""], stderr);
    assert.match(stderr, new RegExp(`^chatd: Waiting for 127\\.0\\.0\\.1:${port}: .*\\nchatd: Cannot reach .*\\n$`));
  }
  await using late = new Child({ args: ["send", "--to", "ana", "--timeout", "10m", "in time", ...place], env });
  await late.line(/Waiting for/);
  assert.equal((await runChatd({ args: ["user", "add", "ana", "--data", data], env })).code, 0);
  await using _server = await ServerProcess.start({ folder: data, port });
  assert.equal((await late.status).code, 0, late.lines.join("\n"));
});

Deno.test("a full disk of the server has an exit code of its own", async () => {
  using folder = temporaryFolder();
  const program = fileURLToPath(new URL("../support/processes/limited_file_entry.ts", import.meta.url));
  await using server = await ServerProcess.start({ folder: `${folder.path}/data`, program });
  const ana = new ScriptUser("ana", { folder: folder.path, place: ["--server", `127.0.0.1:${server.port}`] });
  assert.equal((await ana.register()).code, 0);
  await done(ana, ["send", "--to", "ana", "there is room"]);
  await limitFiles(server.pid, "1");
  const full = await ana.run(["send", "--to", "ana", "--timeout", "5s", "no room"]);
  assert.deepEqual([full.code, full.stdout], [exitCode.storageFull, ""], full.stderr);
  assert.match(full.stderr, /^chatd: Waiting for 127\.0\.0\.1:\d+: [^\n]+\nchatd: [^\n]+\n$/);
  const piped = await ana.run(["rooms", "create", "ops"]);
  assert.equal(piped.code, exitCode.storageFull, piped.stderr);
  await limitFiles(server.pid, "unlimited");
});

/** Limits the size of files that a process writes. */
async function limitFiles(pid: number, limit: string): Promise<void> {
  const { success } = await new Deno.Command("prlimit", { args: ["--pid", `${pid}`, `--fsize=${limit}:`] }).output();
  assert.ok(success);
}
