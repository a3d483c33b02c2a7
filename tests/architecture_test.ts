// Checks that the code keeps to the picture in docs/architecture.md.
import assert from "node:assert/strict";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** What the files of each folder may import, besides their own folder. */
const mayImport: Record<string, readonly string[]> = {
  "main.ts": ["src/cli", "src/app"],
  "src/cli": ["src/app", "src/core"],
  "src/app": [
    "src/grpc",
    "src/amqp",
    "src/store",
    "src/terminal",
    "src/session",
    "src/client",
    "src/wire",
    "src/gen",
    "src/core",
    "deno.json",
  ],
  "src/grpc": ["src/session", "src/client", "src/wire", "src/gen", "src/core"],
  "src/amqp": ["src/session", "src/client", "src/wire", "src/gen", "src/core"],
  "src/store": ["src/core"],
  "src/terminal": ["src/client", "src/wire", "src/gen", "src/core"],
  "src/session": ["src/wire", "src/gen", "src/core"],
  "src/client": ["src/wire", "src/gen", "src/core"],
  "src/wire": ["src/gen", "src/core"],
  "src/gen": [],
  "src/core": [],
};

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    specifier: string;
    code?: { specifier?: string };
    type?: { specifier?: string };
  }[];
}

async function readGraph(): Promise<Module[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: root,
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)).modules;
}

function folderOf(specifier: string): string | undefined {
  if (!specifier.startsWith("file:")) return undefined;
  const path = relative(root, fileURLToPath(specifier));
  return path.startsWith("src/") ? path.split("/").slice(0, 2).join("/") : path;
}

const graph = await readGraph();
const imports = graph.flatMap((module) => {
  const from = folderOf(module.specifier);
  if (from === undefined) return [];
  return (module.dependencies ?? []).map(({ specifier, code, type }) => {
    const target = code?.specifier ?? type?.specifier ?? specifier;
    const file = relative(root, fileURLToPath(module.specifier));
    return { file, from, target, to: folderOf(target), isLoaded: code !== undefined };
  });
});

Deno.test("imports go the way that the architecture says", () => {
  assert.ok(imports.length > 100, "the graph is too small to be the program");
  const wrong = imports
    .filter(({ from, to }) => to !== undefined && to !== from && !mayImport[from]?.includes(to))
    .map(({ file, target }) => `${file} imports ${relative(root, fileURLToPath(target))}`);
  assert.deepEqual(wrong, []);
});

Deno.test("the core stands alone: no packages, no Node, no Deno", async () => {
  const outside = imports.filter(({ from, to }) => from === "src/core" && to !== "src/core");
  assert.deepEqual(outside.map(({ file, target }) => `${file} imports ${target}`), []);
  for await (const { name } of Deno.readDir(`${root}src/core`)) {
    const code = (await Deno.readTextFile(`${root}src/core/${name}`)).replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    assert.doesNotMatch(code, /\b(Deno|Buffer|process)\b/, `src/core/${name}`);
  }
});

/** The files that load a module which `isWanted`. */
function loadersOf(isWanted: (target: string) => boolean): string[] {
  const loaders = imports.filter(({ target, isLoaded }) => isLoaded && isWanted(target));
  return [...new Set(loaders.map(({ file }) => file))].sort();
}

Deno.test("grpc-js is loaded by the clients for which it is chosen and by the relay of the bench, and node:http2 by nothing", () => {
  const inLibrary = loadersOf((target) => target.startsWith("npm:") && target.includes("@grpc/"));
  assert.deepEqual(inLibrary, [
    "src/grpc/bare_relay.ts",
    "src/grpc/client_transport.ts",
    "src/grpc/file_link.ts",
    "src/grpc/grpc_js_service.ts",
  ]);
  const users = loadersOf((target) => inLibrary.some((file) => target === `file://${root}${file}`));
  assert.deepEqual(users.filter((file) => !inLibrary.includes(file)), [
    "src/app/bench/bare_grpc.ts",
    "src/app/grpc_transport.ts",
  ]);
  assert.deepEqual(loadersOf((target) => target === "node:http2"), []);
  const typed = imports.filter(({ target }) => target.includes("@grpc/"));
  assert.deepEqual([...new Set(typed.map(({ from }) => from))], ["src/grpc"]);
});

Deno.test("certificates of servers are verified by all but the doctor and a handshake of chatd with itself", async () => {
  const loaders = loadersOf((target) => target === `file://${root}src/grpc/unverified_tls.ts`);
  assert.deepEqual(loaders, ["src/grpc/health_check.ts", "src/grpc/server_connection.ts"]);
  const askers = loadersOf((target) => target === `file://${root}src/grpc/health_check.ts`);
  assert.deepEqual(askers, ["src/app/doctor/server.ts"]);
  const unverified: string[] = [];
  for (const file of new Set(imports.map(({ file }) => file))) {
    if (/rejectUnauthorized: false/.test(await Deno.readTextFile(root + file))) unverified.push(file);
  }
  assert.deepEqual(unverified.sort(), [
    "src/app/doctor/server.ts",
    "src/app/trial_handshake.ts",
    "src/grpc/server_connection.ts",
  ]);
});

Deno.test("only src/amqp speaks AMQP", () => {
  const amqp = imports.filter(({ target }) => target.startsWith("npm:") && target.includes("amqplib"));
  assert.ok(amqp.length > 0);
  assert.deepEqual([...new Set(amqp.map(({ from }) => from))], ["src/amqp"]);
});

Deno.test("everything comes from npm or from here", () => {
  const elsewhere = imports.map(({ target }) => target).filter((target) => !/^(file|npm|node):/.test(target));
  assert.deepEqual(elsewhere, []);
});

/** All that a file needs, by itself or by what it imports. */
function reached(file: string): Set<string> {
  const found = new Set<string>();
  const waiting = [file];
  for (let next; (next = waiting.pop()) !== undefined;) {
    for (const { target } of imports.filter(({ file }) => file === next)) {
      if (found.has(target)) continue;
      found.add(target);
      if (target.startsWith("file:")) waiting.push(relative(root, fileURLToPath(target)));
    }
  }
  return found;
}

Deno.test("callbacks need no HTTP/2 but chatd's own, and a server makes no certificates", () => {
  const packages = (file: string) => [...reached(file)].filter((target) => /^npm:|^node:http2$/.test(target));
  const names = (file: string) => packages(file).map((target) => target.replace(/^npm:\/?(.[^@]*).*$/, "$1")).sort();
  assert.deepEqual(names("src/grpc/dial_callback.ts"), ["@bufbuild/protobuf"]);
  assert.deepEqual(names("src/grpc/callback_listener.ts"), [
    "@bufbuild/protobuf",
    "@peculiar/x509",
    "reflect-metadata",
  ]);
});
