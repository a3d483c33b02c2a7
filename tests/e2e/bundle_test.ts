/**
 * The program as one file: as a bundle that runs from an empty folder with an empty cache and no network, and as the
 * executable of `deno task compile`.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { compile } from "../../packaging/compile.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { foundMessages } from "../support/servers/found_messages.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { LinkClient } from "../support/servers/link_client.ts";
import { sendRequest } from "../support/servers/wire_values.ts";
import { eventually } from "../support/waiting/eventually.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const config = JSON.parse(Deno.readTextFileSync(`${root}deno.json`));
const password = "correct horse";
const commit = "0123456789ab";

interface Program {
  readonly program: string;
  /** Arguments before those of chatd. */
  readonly args: readonly string[];
  /** An empty folder: working directory, cache and home. */
  readonly folder: string;
}

function command({ program, args, folder }: Program, more: readonly string[], stdin: "piped" | "null" = "null") {
  return new Deno.Command(program, {
    args: [...args, ...more],
    cwd: folder,
    clearEnv: true,
    env: {
      HOME: folder,
      XDG_STATE_HOME: `${folder}/state`,
      DENO_DIR: `${folder}/cache`,
      NPM_CONFIG_REGISTRY: "http://127.0.0.1:9",
      NO_COLOR: "1",
      CHATD_PASSWORD: password,
    },
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
}

async function run(
  program: Program,
  more: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await command(program, more).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Sends more messages in a frame than a server writes without its writer thread. */
async function sendFrame(port: number): Promise<void> {
  const transport = new Http2Transport({ host: "127.0.0.1", port, callback: false });
  const { credentials } = await transport.logIn({ user: "ana", password, deviceName: "", deviceId: "" }, {});
  const client = await LinkClient.open(transport, credentials!.token);
  await client.send("ben");
  const sends = Array.from(
    { length: 20 },
    () => sendRequest({ to: "ben", text: "one of many", id: createMessageId() }),
  );
  const ids = client.request(...sends.map((value) => ({ $case: "send", value } as const)));
  for (const id of ids) assert.equal((await client.reply(id)).$case, "send");
  await client.close();
}

/** Returns how many connections the server has to the database in a data folder. */
function connections(data: string): number {
  const files = `/proc/${Number.parseInt(Deno.readTextFileSync(`${data}/chatd.lock`))}/fd`;
  const database = Deno.realPathSync(`${data}/chatd.sqlite`);
  return Array.from(Deno.readDirSync(files), ({ name }) => readLink(`${files}/${name}`))
    .filter((path) => path === database).length;
}

/** @returns undefined for a file that was closed meanwhile */
function readLink(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return undefined;
  }
}

/** Runs a server, adds two users, and sends messages from one to the other. */
async function chatThrough(program: Program, commit: string): Promise<void> {
  const version = await run(program, ["--version"]);
  assert.equal(version.code, 0, version.stderr);
  assert.equal(version.stdout, `chatd ${config.version} (commit ${commit}, Deno ${Deno.version.deno})\n`);
  assert.match((await run(program, ["--help"])).stdout, /grpc-server/);

  Deno.writeTextFileSync(
    `${program.folder}/chatd.toml`,
    'metrics-listen = "127.0.0.1:0"\n[grpc]\nlisten = "127.0.0.1:0"\n',
  );
  const server = command(program, ["serve", "--config", "chatd.toml"]).spawn();
  const errors = new Response(server.stderr).text();
  const output = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let greeting = "";
  while (!/listens on \S+:\d+[^]*another terminal/.test(greeting)) {
    const { value, done } = await output.read();
    assert.ok(!done, `the server ended: ${greeting}${done ? await errors : ""}`);
    greeting += value;
  }
  const [, port] = /listens on \S+:(\d+)/.exec(greeting)!;
  try {
    for (const user of ["ana", "ben"]) {
      const added = await run(program, ["user", "add", user]);
      assert.equal(added.code, 0, added.stderr);
    }
    const client = command(
      program,
      ["grpc-client", "--user", "ana", "--to", "ben", "--server", `127.0.0.1:${port}`],
      "piped",
    ).spawn();
    const writer = client.stdin.getWriter();
    await writer.write(new TextEncoder().encode("hello\nben\n"));
    await writer.close();
    const { code, stderr } = await client.output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const login = await run(program, ["login", "--user", "ben", "--server", `127.0.0.1:${port}`]);
    assert.equal(login.code, 0, login.stderr);
    const printed = await run(program, ["tail", "--since", "1h", "--count", "2"]);
    assert.match(printed.stdout, /\[ana\] 1 ana: hello\n.*\[ana\] 2 ana: ben\n$/, printed.stderr);
    // In a worker, which runs the same file.
    assert.deepEqual(await foundMessages("hel*", { user: "ana", password, port: Number(port) }), ["hello"]);
    await sendFrame(Number(port));
    await eventually(() => connections(`${program.folder}/data`) === 3, () => "the writer has the database open, too");
    await sendFrame(Number(port));
    // With processes that run the same file, and a library that is embedded as text.
    const bench = await run(program, ["bench", "--workload", "w2", "--system", "bare-grpc", "--html", "bench.html"]);
    assert.equal(bench.code, 0, bench.stderr);
    assert.match(Deno.readTextFileSync(`${program.folder}/bench.html`), /"name":"bare-grpc"[^]*uPlot=function/);
  } finally {
    server.kill("SIGTERM");
    await output.cancel();
    const { code } = await server.status;
    assert.equal(code, 0, await errors);
    assert.match(await errors, /"metrics are shown".*"at":"http:\/\/127\.0\.0\.1:\d+\/metrics"/);
  }
}

Deno.test("bundled into one file, chatd runs from an empty folder with an empty cache and no network", async () => {
  using folder = temporaryFolder();
  const bundle = `${folder.path}/chatd.js`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--output", bundle, "main.ts"],
    cwd: root,
    stdout: "piped",
    stderr: "piped",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  await chatThrough(
    { program: Deno.execPath(), args: ["run", "--quiet", "-A", bundle], folder: folder.path },
    "unknown",
  );
});

Deno.test("chatd compiles with everything that it needs embedded", async () => {
  using folder = temporaryFolder();
  // The full deno replaces denort: the executable is not chatd, but is made in the same way.
  await compile({ output: `${folder.path}/chatd`, commit, denort: Deno.execPath() });
  const { size } = await Deno.stat(`${folder.path}/chatd`);
  const added = size - (await Deno.stat(Deno.execPath())).size;
  assert.ok(added > 0);
  assert.ok(added < 35_000_000, `${added} bytes: packages are in it that only tests and the making of chatd need`);
  // The plotting library is imported as text.
  assert.ok(Buffer.from(await Deno.readFile(`${folder.path}/chatd`)).includes("uPlot=function"));
});

const denort = Deno.env.get("DENORT_BIN");

Deno.test({
  name: "compiled into one executable, chatd runs from an empty folder" +
    (denort === undefined ? " (SKIPPED: set DENORT_BIN to the denort of this Deno version to run it)" : ""),
  ignore: denort === undefined,
  async fn() {
    using folder = temporaryFolder();
    await compile({ output: `${folder.path}/chatd`, commit, denort });
    await chatThrough({ program: `${folder.path}/chatd`, args: [], folder: folder.path }, commit);
  },
});
