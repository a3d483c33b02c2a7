/** The npm package: made, installed into an empty prefix by npm, and used. */
import assert from "node:assert/strict";
import { serverV8Flags } from "../../src/host/supervisor/serving_command.ts";
import { exitCode } from "../../src/commands/exit_code.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { makePackage, node, NpmInstallation } from "../support/processes/npm_installation.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { hasTmux, Tmux } from "../support/processes/tmux.ts";

const read = (path: string): string => Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));
const { version } = JSON.parse(read("deno.json"));
const pinned = read(".deno-version").trim();
const commit = "0123456789ab";
const password = "correct horse";
const isLinux = Deno.build.os === "linux";
const ignore = node === undefined;
const skipped = ignore ? " (SKIPPED: there is no npm here)" : "";

let made: string;
let tarball: string;
Deno.test.beforeAll(async () => {
  made = Deno.makeTempDirSync({ prefix: "chatd-" });
  tarball = await makePackage(made, { version, commit });
});
Deno.test.afterAll(() => Deno.removeSync(made, { recursive: true }));

async function output(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("the npm package has the files of its manifest, and depends only on the pinned version of Deno", async () => {
  const manifest = JSON.parse(await output("tar", ["-xzOf", tarball, "package/package.json"]));
  assert.deepEqual([manifest.name, manifest.version, manifest.license], ["chatd", version, "MIT"]);
  assert.deepEqual(manifest.dependencies, { deno: pinned });
  const entries = (await output("tar", ["-tzf", tarball])).trim().split("\n").map((name) => name.slice(8));
  const files = entries.filter((name) => name !== "" && !name.endsWith("/"));
  for (const name of [manifest.bin.chatd, ...manifest.man]) assert.ok(files.includes(name), name);
  for (const shell of ["bash", "zsh", "fish"]) assert.ok(files.includes(`completions/chatd.${shell}`), shell);
  const named = [...manifest.files, "package.json", "README.md", "LICENSE"];
  assert.deepEqual([...new Set(files.map((name) => name.split("/")[0]))].toSorted(), named.toSorted());
});

interface Process {
  readonly pid: number;
  /** The path of its executable. */
  readonly program: string;
  readonly args: readonly string[];
}

/** Returns a process, its first child, the first child of that, and so on. */
async function descendants(pid: number): Promise<readonly Process[]> {
  const args = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
  const own = { pid, program: Deno.readLinkSync(`/proc/${pid}/exe`), args };
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "pid=", "--ppid", `${pid}`] }).output();
  const child = Number.parseInt(new TextDecoder().decode(stdout));
  return [own, ...Number.isNaN(child) ? [] : await descendants(child)];
}

/** Requires that no process has all permissions, and that the serving process may start no program. */
async function assertPermissions(launcher: number, prefix: string): Promise<void> {
  const [, supervisor, serving] = await descendants(launcher);
  for (const { program, args } of [supervisor, serving]) {
    assert.ok(program.startsWith(`${prefix}/`), program);
    assert.ok(args.includes(`--v8-flags=${serverV8Flags}`) && args.includes("--no-config"), args.join(" "));
    assert.ok(!args.some((arg) => /^(-A|--allow-all)$/.test(arg)), args.join(" "));
  }
  assert.ok(supervisor.args.includes(`--allow-run=${supervisor.program}`), supervisor.args.join(" "));
  assert.ok(!serving.args.some((arg) => arg.startsWith("--allow-run")), serving.args.join(" "));
}

/** Kills the serving process, and waits until another one serves. */
async function killServing(chatd: NpmInstallation): Promise<void> {
  const servingPid = () => Number(Deno.readTextFileSync(`${chatd.folder}/data/chatd.lock`));
  const killed = servingPid();
  Deno.kill(killed, "SIGKILL");
  // The file may be empty for a moment.
  await eventually(() => servingPid() !== killed && servingPid() > 0);
  await eventually(async () => (await chatd.run(["healthcheck"])).code === 0);
}

/** Chats in the full screen, suspends the client by Ctrl-Z, resumes it, and leaves it. */
async function chatOnScreen(chatd: NpmInstallation): Promise<void> {
  await using terminal = await Tmux.start({ folder: chatd.folder, columns: 80, rows: 24 });
  const command = chatd.commandLine(["grpc-client", "--profile", "ana", "--to", "ben"]);
  await terminal.type(command, "Enter");
  await terminal.sees(/│[^]*\n\[ben\]\s*$/);
  await terminal.type("from the screen", "Enter");
  await terminal.sees(/ana: from the screen/);
  await terminal.type("", "C-z");
  await terminal.sees(/\n\$ *$/);
  await terminal.type("fg", "Enter");
  await terminal.sees(/│[^]*\n\[ben\]\s*$/);
  await terminal.type("/quit", "Enter");
  await terminal.sees(/\n\$ *$/);
}

Deno.test({
  name: `installed by npm without install scripts, chatd serves, chats, sends and tails${skipped}`,
  ignore,
  async fn(t) {
    using folder = temporaryFolder();
    const env = { CHATD_PASSWORD: password };
    const chatd = await NpmInstallation.install(tarball, { folder: folder.path, args: ["--ignore-scripts"], env });
    Deno.statSync(`${chatd.prefix}/share/man/man1/chatd.1`);
    const said = await chatd.run(["--version"]);
    assert.equal(said.stdout, `chatd ${version} (commit ${commit}, Deno ${pinned})\n`, said.stderr);

    const server = chatd.command(["serve", "--listen", "127.0.0.1:0"]).spawn();
    const errors = new Response(server.stderr).text();
    const words = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
    try {
      let greeting = "";
      while (!/another terminal: .*\n/.test(greeting)) {
        const { value, done } = await words.read();
        assert.ok(!done, `the server ended: ${done ? await errors : ""}`);
        greeting += value;
      }
      assert.match(greeting, /another terminal: chatd grpc-client --user ana/);
      const [, address] = /listens on (\S+:\d+)/.exec(greeting)!;
      if (isLinux) await assertPermissions(server.pid, chatd.prefix);
      await killServing(chatd);
      for (const user of ["ana", "ben"]) {
        const added = await chatd.run(["user", "add", user]);
        assert.equal(added.code, 0, added.stderr);
        const login = await chatd.run(["login", "--user", user, "--profile", user, "--server", address]);
        assert.equal(login.code, 0, login.stderr);
      }
      const sent = await chatd.run(["send", "--profile", "ana", "--to", "ben"], "from a pipe\n");
      assert.equal(sent.code, 0, sent.stderr);
      const tail = ["tail", "--profile", "ben", "--name", "all", "--count", "1"];
      assert.match((await chatd.run([...tail, "--since", "1h"])).stdout, / ana: from a pipe\n$/);
      await t.step({
        name: `in the full screen of a terminal${hasTmux ? "" : " (SKIPPED: tmux is not installed)"}`,
        ignore: !hasTmux,
        fn: async () => {
          await chatOnScreen(chatd);
          assert.match((await chatd.run(tail)).stdout, / ana: from the screen\n$/);
        },
      });
    } finally {
      server.kill("SIGTERM");
      await words.cancel();
      assert.equal((await server.status).code, 0, await errors);
    }
  },
});

Deno.test({
  name: `installed by npm, chatd ends with the exit code or signal of its program${skipped}`,
  ignore,
  async fn() {
    using folder = temporaryFolder();
    const chatd = await NpmInstallation.install(tarball, { folder: folder.path });
    const { code, stderr } = await chatd.run(["serve", "--listen", "0.0.0.0:0"]);
    assert.equal(code, exitCode.refused, stderr);
    assert.equal((await chatd.run(["serv"])).code, exitCode.usage);
    if (!isLinux) return;
    const server = chatd.command(["serve", "--listen", "127.0.0.1:0", "--no-supervise"]).spawn();
    const ended = Promise.all([server.stdout, server.stderr].map((stream) => new Response(stream).text()));
    await eventually(async () => (await chatd.run(["healthcheck"])).code === 0);
    const [, deno] = await descendants(server.pid);
    Deno.kill(deno.pid, "SIGKILL");
    assert.equal((await server.status).signal, "SIGKILL");
    await ended;
  },
});
