/** The tasks that README tells people to run, in a copy of the project and with no deno on the path. */
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { exitCode } from "../../src/commands/exit_code.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { foundMessages } from "../support/servers/found_messages.ts";
import { until } from "../support/servers/person.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const password = "correct horse";

async function copyProject(folder: string): Promise<void> {
  for (const name of ["main.ts", "deno.json", "deno.lock", "src"]) {
    await cp(`${root}${name}`, `${folder}/${name}`, { recursive: true });
  }
}

function task(
  folder: string,
  args: readonly string[],
  { stdin = "null", env = {} }: { stdin?: "piped" | "null"; env?: Record<string, string> } = {},
): Deno.Command {
  const cache = JSON.parse(new TextDecoder().decode(info.stdout)).denoDir;
  return new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", ...args],
    cwd: folder,
    clearEnv: true,
    env: {
      PATH: "/usr/bin:/bin",
      HOME: `${folder}/home`,
      DENO_DIR: cache,
      NO_COLOR: "1",
      CHATD_PASSWORD: password,
      ...env,
    },
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
}

/** Resolves when somebody listens on the port. */
async function listens(port: number): Promise<void> {
  await eventually(async () => {
    try {
      using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return false;
      throw error;
    }
  });
}

const info = new Deno.Command(Deno.execPath(), { args: ["info", "--json"], cwd: "/" }).outputSync();

Deno.test("deno task start serves, restarts what died, and chats with deno task chat", async () => {
  using folder = temporaryFolder();
  await copyProject(folder.path);
  const server = task(folder.path, ["start", "--listen", "127.0.0.1:0"]).spawn();
  const errors = new Response(server.stderr).text();
  const output = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    let greeting = "";
    while (!/another terminal: .*\n/.test(greeting)) {
      const { value, done } = await output.read();
      assert.ok(!done, `the server ended: ${done ? await errors : ""}`);
      greeting += value;
    }
    const [, port] = /listens on 127\.0\.0\.1:(\d+)/.exec(greeting)!;
    const servingPid = () => Number(Deno.readTextFileSync(`${folder.path}/data/chatd.lock`));
    const killed = servingPid();
    Deno.kill(killed, "SIGKILL");
    // The file is empty for a moment.
    await until(() => servingPid() !== killed && servingPid() > 0);
    await listens(Number(port));

    const added = await task(folder.path, ["user", "add", "ana"]).output();
    assert.equal(added.code, 0, new TextDecoder().decode(added.stderr));
    const client = task(folder.path, ["chat", "--user", "ana", "--to", "ana", "--server", `127.0.0.1:${port}`], {
      stdin: "piped",
    }).spawn();
    const writer = client.stdin.getWriter();
    await writer.write(new TextEncoder().encode("a note to myself\n"));
    await writer.close();
    const { code, stderr } = await client.output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const script = async (...args: string[]) => {
      const { code, stdout, stderr } = await task(folder.path, ["script", ...args]).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout);
    };
    Deno.writeTextFileSync(`${folder.path}/report.txt`, "a file");
    await script("login", "--user", "ana", "--server", `127.0.0.1:${port}`);
    await script("send", "--to", "ana", "by a script");
    const note = ["send", "--to", "ana", "--file", `${folder.path}/report.txt`];
    const confined = await task(folder.path, ["script", ...note]).output();
    assert.equal(confined.code, 1);
    const said = new TextDecoder().decode(confined.stderr);
    assert.ok(said.includes(`deno task script:files ${note.join(" ")}\n`), said);
    const permitted = await task(folder.path, ["script:files", ...note]).output();
    assert.equal(permitted.code, 0, new TextDecoder().decode(permitted.stderr));
    assert.match(
      await script("tail", "--since", "1h", "--count", "2"),
      / ana: a note to myself\n.* ana: by a script\n$/,
    );
    assert.deepEqual(await foundMessages("note", { user: "ana", password, port: Number(port) }), ["a note to myself"]);
  } finally {
    server.kill("SIGINT");
    await output.cancel();
    const { code } = await server.status;
    assert.equal(code, 0, await errors);
  }
});

Deno.test("deno task start --data elsewhere names the permissions to add", async () => {
  using folder = temporaryFolder();
  await copyProject(folder.path);
  const { code, stderr } = await task(folder.path, ["start", "--data", `${folder.path}/elsewhere`]).output();
  const said = new TextDecoder().decode(stderr);
  assert.equal(code, exitCode.refused);
  assert.match(said, /^chatd: [^\n]+\n$/);
  for (const flag of ["--allow-read=", "--allow-write="]) {
    assert.ok(said.includes(`${flag}${folder.path}/elsewhere`), said);
  }
});

Deno.test("a server that may not start processes serves without a supervisor, and says so once", async () => {
  using folder = temporaryFolder();
  await copyProject(folder.path);
  const path = `${folder.path}/deno.json`;
  const config = JSON.parse(Deno.readTextFileSync(path));
  config.tasks.start = config.tasks.start.replace(/--allow-run="[^"]*"/, "");
  assert.doesNotMatch(config.tasks.start, /run=/);
  Deno.writeTextFileSync(path, JSON.stringify(config));
  const server = task(folder.path, ["start", "--listen", "127.0.0.1:0"]).spawn();
  const errors = new Response(server.stderr).text();
  const output = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let greeting = ""; !greeting.includes("another terminal");) {
    const { value, done } = await output.read();
    assert.ok(!done, "the server ended");
    greeting += value;
  }
  server.kill("SIGTERM");
  await output.cancel();
  assert.equal((await server.status).code, 0);
  const lines = (await errors).split("\n").filter((line) => line.includes("without a supervisor"));
  assert.equal(lines.length, 1);
  assert.ok(lines[0].includes("--allow-run="), lines[0]);
});

Deno.test("tasks tell variables that have no effect", async () => {
  using folder = temporaryFolder();
  await copyProject(folder.path);
  const env = { CHATD_PROFIL: "work" };
  for (const words of [["script", "profiles"], ["user", "list"], ["start", "--check-config"]]) {
    const { stderr } = await task(folder.path, words, { env }).output();
    assert.match(new TextDecoder().decode(stderr), /^chatd: The environment variable CHATD_PROFIL has no /m, words[0]);
  }
});
