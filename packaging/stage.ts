import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type ModuleGraph, packagesReached } from "./module_graph.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
/** What an executable is made of. */
export const sources = ["main.ts", "deno.json", "deno.lock", "src"];

interface Lock {
  specifiers: Record<string, string>;
  npm: Record<string, unknown>;
  workspace: { dependencies: string[] };
}

/**
 * Copies what chatd is made of to a new folder, and writes the commit into the copy. Packages that only tests and the
 * making of chatd need are left out of its configuration and lock file: `deno compile` embeds all that it finds there.
 */
export async function stageSources({ folder, graph, commit }: {
  /** An empty one. */
  folder: string;
  graph: ModuleGraph;
  commit: string;
}): Promise<void> {
  for (const name of sources) await cp(`${root}${name}`, `${folder}/${name}`, { recursive: true });
  const path = `${folder}/src/app/commit.ts`;
  const standard = Deno.readTextFileSync(path);
  const written = standard.replace('"unknown"', JSON.stringify(commit));
  if (written === standard && commit !== "unknown") throw new Error(`${path} has no place for the commit`);
  Deno.writeTextFileSync(path, written);

  const reached = new Set(packagesReached(graph));
  const lock: Lock = JSON.parse(Deno.readTextFileSync(`${folder}/deno.lock`));
  const isReached = (specifier: string) => {
    const [, name] = /^npm:(@?[^@]+)@/.exec(specifier) ?? [];
    return reached.has(`${name}@${lock.specifiers[specifier]}`);
  };
  const specifiers = Object.keys(lock.specifiers).filter(isReached);
  const names = new Set(specifiers.map(packageName));
  writeJson(`${folder}/deno.lock`, {
    ...lock,
    specifiers: Object.fromEntries(specifiers.map((specifier) => [specifier, lock.specifiers[specifier]])),
    npm: Object.fromEntries(Object.entries(lock.npm).filter(([key]) => reached.has(key))),
    workspace: { dependencies: lock.workspace.dependencies.filter((specifier) => names.has(packageName(specifier))) },
  });
  const config: { imports: Record<string, string>; [setting: string]: unknown } = JSON.parse(
    Deno.readTextFileSync(`${folder}/deno.json`),
  );
  const imports = Object.entries(config.imports).filter(([, specifier]) => names.has(packageName(specifier)));
  writeJson(`${folder}/deno.json`, { ...config, imports: Object.fromEntries(imports), tasks: {} });
}

/** `@grpc/grpc-js` of `npm:@grpc/grpc-js@^1.14.7`. */
function packageName(specifier: string): string {
  return /^npm:(@?[^@]+)/.exec(specifier)?.[1] ?? specifier;
}

function writeJson(path: string, value: unknown): void {
  Deno.writeTextFileSync(path, JSON.stringify(value, null, 2));
}
