// Checks that the code keeps to the picture in docs/architecture.md.
import assert from "node:assert/strict";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { documents, readDocument } from "./support/checks/documents.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The folders that each folder may import, besides itself. */
const mayImport: Record<string, readonly string[]> = {
  "main.ts": ["src/cli", "src/app"],
  "src/cli": ["src/commands", "src/app", "src/host", "src/core"],
  "src/commands": [
    "src/bench",
    "src/app",
    "src/host",
    "src/grpc",
    "src/amqp",
    "src/store",
    "src/terminal",
    "src/client",
    "src/wire",
    "src/gen",
    "src/core",
  ],
  "src/bench": [
    "src/app",
    "src/host",
    "src/grpc",
    "src/amqp",
    "src/store",
    "src/client",
    "src/wire",
    "src/gen",
    "src/core",
  ],
  "src/app": ["src/host", "src/grpc", "src/amqp", "src/store", "src/terminal", "src/client", "src/gen", "src/core"],
  "src/host": ["src/core", "deno.json"],
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
    isDynamic?: boolean;
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
  return (module.dependencies ?? []).map(({ specifier, code, type, isDynamic = false }) => {
    const target = code?.specifier ?? type?.specifier ?? specifier;
    const file = relative(root, fileURLToPath(module.specifier));
    return { file, from, target, to: folderOf(target), isLoaded: code !== undefined, isDynamic };
  });
});

Deno.test("imports go the way that the architecture says", () => {
  assert.ok(imports.length > 100, "the graph is too small to be the program");
  const wrong = imports
    .filter(({ from, to }) => to !== undefined && to !== from && !mayImport[from]?.includes(to))
    .map(({ file, target }) => `${file} imports ${relative(root, fileURLToPath(target))}`);
  assert.deepEqual(wrong, []);
});

/** Paths of all files in a folder and the folders below it. */
function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(`${root}${folder}`)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(`${folder}${name}/`) : [`${folder}${name}`]
  );
}

/** Returns a circle of imports, from a file back to itself; undefined when there is none. */
function findCircle(edges: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): readonly string[] | undefined => {
    if (finished.has(file)) return undefined;
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    path.push(file);
    for (const target of edges.get(file) ?? []) {
      const circle = visit(target);
      if (circle !== undefined) return circle;
    }
    path.pop();
    finished.add(file);
    return undefined;
  };
  for (const file of edges.keys()) {
    const circle = visit(file);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

Deno.test("imports form no circle, not even of types or of modules that are loaded later", () => {
  const edges = new Map<string, string[]>();
  for (const { file, target } of imports) {
    if (!target.startsWith("file:")) continue;
    edges.set(file, [...edges.get(file) ?? [], relative(root, fileURLToPath(target))]);
  }
  assert.ok(edges.size > 300, "the graph is too small to be the program");
  assert.equal(findCircle(edges)?.join(" → "), undefined);
});

Deno.test("a circle of imports is found", () => {
  const edges = new Map([["a", ["b"]], ["b", ["c", "d"]], ["c", []], ["d", ["e"]], ["e", ["b"]]]);
  assert.deepEqual(findCircle(edges), ["b", "d", "e", "b"]);
});

Deno.test("tests import the bench only to test it", async () => {
  const importers: string[] = [];
  for (const file of filesIn("tests/").filter((file) => file.endsWith(".ts"))) {
    if (/["`][./]*\/src\/bench\//.test(await Deno.readTextFile(`${root}${file}`))) importers.push(file);
  }
  assert.ok(importers.length > 5);
  assert.deepEqual(importers.filter((file) => !/^tests\/(bench\/|e2e\/bench_test)/.test(file)), []);
});

Deno.test("docs/architecture.md describes every folder of src, and documents name files that are there", async () => {
  const architecture = await Deno.readTextFile(`${root}docs/architecture.md`);
  const folders = [...Deno.readDirSync(`${root}src`)].map(({ name }) => `src/${name}`);
  assert.deepEqual(folders.filter((folder) => !architecture.includes(`- **\`${folder}/\`** `)), []);
  const missing: string[] = [];
  for (const document of documents()) {
    for (const [, path] of readDocument(document).matchAll(/`((?:src|tests|packaging|proto|examples)\/[\w./-]+)`/g)) {
      if (!exists(path)) missing.push(`${document} names ${path}`);
    }
  }
  assert.deepEqual(missing, []);
});

function exists(path: string): boolean {
  try {
    Deno.statSync(`${root}${path}`);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("the core stands alone: no packages, no Node, no Deno", async () => {
  const outside = imports.filter(({ from, to }) => from === "src/core" && to !== "src/core");
  assert.deepEqual(outside.map(({ file, target }) => `${file} imports ${target}`), []);
  const files = filesIn("src/core/");
  assert.ok(files.length > 50, "the core has fewer files than it should");
  for (const file of files) {
    const code = (await Deno.readTextFile(`${root}${file}`)).replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    assert.doesNotMatch(code, /\b(Deno|Buffer|process)\b/, file);
  }
});

/** The files that load a module which `isWanted`. */
function loadersOf(isWanted: (target: string) => boolean): string[] {
  const loaders = imports.filter(({ target, isLoaded }) => isLoaded && isWanted(target));
  return [...new Set(loaders.map(({ file }) => file))].sort();
}

Deno.test("grpc-js is loaded by the clients for which it is chosen and by a relay of the bench, and node:http2 by nothing", () => {
  const inLibrary = loadersOf((target) => target.startsWith("npm:") && target.includes("@grpc/"));
  assert.deepEqual(inLibrary, [
    "src/bench/relays/grpc_relay.ts",
    "src/grpc/client/client_transport.ts",
    "src/grpc/client/file_link.ts",
    "src/grpc/client/grpc_js_service.ts",
  ]);
  const users = loadersOf((target) => inLibrary.some((file) => target === `file://${root}${file}`));
  assert.deepEqual(users.filter((file) => !inLibrary.includes(file)), [
    "src/app/client/grpc_transport.ts",
    "src/bench/relays/run_relay.ts",
  ]);
  assert.deepEqual(loadersOf((target) => target === "node:http2"), []);
  const typed = imports.filter(({ target }) => target.includes("@grpc/"));
  assert.deepEqual([...new Set(typed.map(({ from }) => from))].sort(), ["src/bench", "src/grpc"]);
});

Deno.test("a command imports no other command, but the options and the connection that several share", () => {
  const roomOf = (path: string) => /(?:^|\/)src\/commands\/(\w+)\//.exec(path)?.[1];
  const shared = new Set([undefined, "options", "script"]);
  const wrong = imports.filter(({ file, target }) => !shared.has(roomOf(target)) && roomOf(file) !== roomOf(target));
  assert.deepEqual([...new Set(wrong.map(({ file }) => file))], ["src/cli/commands.ts"]);
});

Deno.test("the gRPC server and client do not import each other, and callbacks and HTTP/2 import neither", () => {
  const roomOf = (path: string) => /(?:^|\/)src\/grpc\/(\w+)\//.exec(path)?.[1];
  const apart = new Set(["server→client", "client→server", "callback→server", "callback→client"]);
  const wrong = imports.filter(({ file, target }) => {
    const [from, to] = [roomOf(file), roomOf(target)];
    return apart.has(`${from}→${to}`) || from === "http2" && to !== undefined && to !== "http2";
  });
  assert.ok(imports.some(({ file, target }) => roomOf(file) === "server" && roomOf(target) === "callback"));
  assert.deepEqual(wrong.map(({ file, target }) => `${file} imports ${target}`), []);
});

/** The folders that each folder of src/amqp may import; the files beside them may be imported by all. */
const amqpRooms: Record<string, readonly string[]> = {
  broker: ["connection", "server"],
  client: ["connection"],
  connection: [],
  senders: ["connection"],
  server: ["connection", "senders"],
};

Deno.test("the AMQP server and client do not import each other, nor does a connection import its users", () => {
  const pathIn = (path: string) => /(?:^|\/)src\/amqp\/((?:\w+\/)?)/.exec(path)?.[1].replace("/", "");
  const within = imports.filter(({ file, target }) => pathIn(file) !== undefined && pathIn(target) !== undefined);
  const wrong = within.filter(({ file, target }) => {
    const [from, to] = [pathIn(file)!, pathIn(target)!];
    return from !== to && to !== "" && !amqpRooms[from]?.includes(to);
  });
  assert.deepEqual(new Set(within.map(({ file }) => pathIn(file))), new Set([...Object.keys(amqpRooms), ""]));
  assert.deepEqual(wrong.map(({ file, target }) => `${file} imports ${target}`), []);
});

Deno.test("certificates of servers are verified by all but the doctor and a handshake of chatd with itself", async () => {
  const loaders = loadersOf((target) => target === `file://${root}src/grpc/client/unverified_tls.ts`);
  assert.deepEqual(loaders, ["src/grpc/client/health_check.ts", "src/grpc/client/server_connection.ts"]);
  const askers = loadersOf((target) => target === `file://${root}src/grpc/client/health_check.ts`);
  assert.deepEqual(askers, ["src/commands/doctor/server.ts"]);
  const unverified: string[] = [];
  for (const file of new Set(imports.map(({ file }) => file))) {
    if (/rejectUnauthorized: false/.test(await Deno.readTextFile(root + file))) unverified.push(file);
  }
  assert.deepEqual(unverified.sort(), [
    "src/commands/doctor/server.ts",
    "src/grpc/client/server_connection.ts",
    "src/host/certificates/trial_handshake.ts",
  ]);
});

Deno.test("only src/amqp loads a library of AMQP, and the bench knows its types", () => {
  const amqp = imports.filter(({ target }) => target.startsWith("npm:") && target.includes("amqplib"));
  assert.ok(amqp.some(({ isLoaded }) => isLoaded));
  const outside = amqp.filter(({ from, isLoaded }) => isLoaded && from !== "src/amqp");
  assert.deepEqual(outside.map(({ file }) => file), []);
  const files = amqp.filter(({ from }) => from !== "src/amqp").map(({ file }) => file);
  assert.deepEqual(files, ["src/bench/driver/amqp_pipe.ts", "src/bench/systems/bare_queue.ts"]);
});

Deno.test("only src/store/postgres loads the library of PostgreSQL, and is itself loaded only when it is needed", () => {
  const isOf = (file: string) => file.startsWith("src/store/postgres/");
  const library = imports.filter(({ target }) => /^npm:\/?(@types\/)?pg@/.test(target));
  assert.ok(library.length > 0);
  assert.deepEqual(library.filter(({ file }) => !isOf(file)).map(({ file }) => file), []);
  const inside = (target: string) => target.startsWith(`file://${root}src/store/postgres/`);
  const eager = imports.filter(({ file, target, isLoaded, isDynamic }) => {
    return isLoaded && !isDynamic && inside(target) && !isOf(file);
  });
  assert.deepEqual(eager.map(({ file, target }) => `${file} imports ${target}`), []);
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
  assert.deepEqual(names("src/grpc/callback/dial_callback.ts"), ["@bufbuild/protobuf"]);
  assert.deepEqual(names("src/grpc/callback/callback_listener.ts"), [
    "@bufbuild/protobuf",
    "@peculiar/x509",
    "reflect-metadata",
  ]);
});
