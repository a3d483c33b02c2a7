import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** The keys of other packages. */
  readonly dependencies: readonly string[];
}

/** The module graph of a program, as `deno info --json` prints it. */
export interface ModuleGraph {
  readonly modules: readonly { readonly kind?: string; readonly npmPackage?: string }[];
  /** All packages of the lock file, by "name@version". */
  readonly npmPackages: Readonly<Record<string, NpmPackage>>;
}

/** Returns the module graph of main.ts. */
export async function readModuleGraph(): Promise<ModuleGraph> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: root,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("deno info failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Returns the keys of the packages that the modules import directly. */
export function packagesImported({ modules }: ModuleGraph): readonly string[] {
  const keys = modules.flatMap(({ npmPackage }) => npmPackage === undefined ? [] : [npmPackage]);
  return [...new Set(keys)].toSorted();
}

/** Returns the keys of the packages that the modules import, and of all their dependencies. */
export function packagesReached(graph: ModuleGraph): readonly string[] {
  const reached = new Set<string>();
  const reach = (key: string): void => {
    if (reached.has(key)) return;
    reached.add(key);
    for (const dependency of graph.npmPackages[key].dependencies) reach(dependency);
  };
  for (const key of packagesImported(graph)) reach(key);
  return [...reached].toSorted();
}
