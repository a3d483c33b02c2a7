/** What the program loads before it does what it is asked for: Deno lists every module that it ran, as for coverage. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ScriptUser } from "../support/processes/script_user.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Loaded {
  readonly code: number;
  /** Of chatd, from its folder on: "src/cli/run.ts". */
  readonly files: readonly string[];
  /** Names of npm packages. */
  readonly packages: readonly string[];
}

async function load(args: readonly string[], env: Record<string, string> = {}): Promise<Loaded> {
  using folder = temporaryFolder();
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", `--coverage=${folder.path}/modules`, `${root}main.ts`, ...args],
    env: { XDG_STATE_HOME: folder.path, ...env },
    stdin: "null",
    stdout: "null",
  }).output();
  const urls = [...Deno.readDirSync(`${folder.path}/modules`)].map(({ name }) =>
    JSON.parse(Deno.readTextFileSync(`${folder.path}/modules/${name}`)).url as string
  );
  const own = `file://${root}`;
  const packages = urls.map((url) => /\/npm\/[^/]+\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]);
  const files = urls.filter((url) => url.startsWith(own)).map((url) => url.slice(own.length));
  assert.ok(files.includes("src/cli/run.ts"), new TextDecoder().decode(stderr));
  return { code, files, packages: [...new Set(packages.filter((name) => name !== undefined))].toSorted() };
}

/** The folders of `files`. */
function folders({ files }: Loaded): string[] {
  return [...new Set(files.map((file) => file.replace(/\/?[^/]*$/, "")))].toSorted();
}

Deno.test("--version loads no package, no command and no option", async () => {
  const loaded = await load(["--version"]);
  assert.deepEqual([loaded.code, loaded.packages], [0, []]);
  assert.deepEqual(folders(loaded), [
    "",
    "src/cli",
    "src/commands",
    "src/commands/options",
    "src/core",
    "src/host",
    "src/host/supervisor",
  ]);
  assert.ok(loaded.files.length < 20, loaded.files.join("\n"));
});

Deno.test("the help of a command loads the options, and nothing that does anything", async () => {
  const loaded = await load(["send", "--help"]);
  assert.deepEqual([loaded.code, loaded.packages], [0, ["@optique/core"]]);
  for (const folder of folders(loaded)) assert.doesNotMatch(folder, /^src\/(client|gen|grpc|amqp|store|terminal|wire)/);
});

/** What no sender needs: the server, the database, the screen, and certificates for being called back. */
const notForSenders = [
  /^src\/(session|store)\//,
  /^src\/terminal\/(chat|commands|full_screen|line)\//,
  /^src\/grpc\/(server|callback)\//,
  /^src\/gen\/descriptors/,
  /^src\/app\/(serve|.*_server|run_server)/,
  /^src\/commands\/[^/]+\/run_(?!send\b)/,
  /^src\/bench\/run/,
];

function assertOnlySends({ files }: Loaded): void {
  for (const pattern of notForSenders) assert.deepEqual(files.filter((file) => pattern.test(file)), []);
}

Deno.test("send over gRPC loads chatd's client of gRPC and nothing of grpc-js, of AMQP, of a server, of the screen or of callbacks", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  const ana = new ScriptUser("ana", { folder: folder.path, place: ["--server", `127.0.0.1:${server.port}`] });
  assert.equal((await ana.register()).code, 0);
  const loaded = await load(["send", "--to", "ana", "a note"], { XDG_STATE_HOME: `${folder.path}/ana` });
  assert.equal(loaded.code, 0);
  assert.deepEqual(loaded.packages, ["@bufbuild/protobuf", "@optique/core"]);
  assert.deepEqual(loaded.files.filter((file) => file.startsWith("src/amqp/")), []);
  assertOnlySends(loaded);
});

Deno.test("doctor loads nothing of grpc-js", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  const place = ["--data", `${folder.path}/data`, "--listen", `127.0.0.1:${server.port}`];
  const loaded = await load(["doctor", ...place]);
  assert.ok(loaded.files.includes("src/grpc/client/health_check.ts"));
  assert.ok(!loaded.packages.includes("@grpc/grpc-js"), loaded.packages.join(" "));
});

Deno.test("the library of PostgreSQL is loaded for a database, and not for a data folder", async () => {
  using folder = temporaryFolder();
  const list = ["user", "list", "--data", `${folder.path}/data`];
  const plain = await load(list);
  assert.deepEqual([plain.code, plain.packages.includes("pg")], [1, false]);
  assert.deepEqual(plain.files.filter((file) => file.startsWith("src/store/postgres/")), []);
  const asked = await load([...list, "--database", "postgres://chatd@127.0.0.1:1/chatd"]);
  assert.deepEqual([asked.code, asked.packages.includes("pg")], [1, true]);
});

Deno.test("send over AMQP loads nothing of gRPC", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const broker = `amqp://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const options = ["--via", "amqp", "--broker", broker, "--user", "ana", "--timeout", "1s"];
  const loaded = await load(["send", ...options, "--to", "ana", "a note"], { CHATD_PASSWORD: "correct horse" });
  assert.equal(loaded.code, 4);
  assert.ok(loaded.packages.includes("amqplib"));
  assert.ok(!loaded.packages.includes("@grpc/grpc-js"));
  assert.deepEqual(loaded.files.filter((file) => /^src\/(grpc|gen\/grpc)\//.test(file)), []);
  assertOnlySends(loaded);
});
