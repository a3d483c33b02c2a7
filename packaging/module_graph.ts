import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** Keys of other packages. */
  readonly dependencies: readonly string[];
}

/** What `deno info --json` says of the modules that a program reaches. */
export interface ModuleGraph {
  readonly modules: readonly { readonly kind?: string; readonly npmPackage?: string }[];
  /** All of the lock file, by "name@version". */
  readonly npmPackages: Readonly<Record<string, NpmPackage>>;
}

/** What main.ts reaches, as Deno resolves it here. */
export async function readModuleGraph(): Promise<ModuleGraph> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: root,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("deno info failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The packages that the modules import themselves, by their keys. */
export function packagesImported({ modules }: ModuleGraph): readonly string[] {
  const keys = modules.flatMap(({ npmPackage }) => npmPackage === undefined ? [] : [npmPackage]);
  return [...new Set(keys)].toSorted();
}

/** The packages that the modules import, and what those depend on, by their keys. */
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
