/** The bill of materials of the executable, in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). */
import { type ModuleGraph, packagesImported, packagesReached } from "./module_graph.ts";

interface Lock {
  /** By the keys of the module graph; a package for one combination of peers has a suffix after "_". */
  readonly npm: Readonly<Record<string, { readonly integrity?: string }>>;
}

export interface SbomOptions {
  readonly graph: ModuleGraph;
  readonly lock: Lock;
  /** The version of chatd. */
  readonly version: string;
  readonly commit: string;
  /** The version of the embedded runtime. */
  readonly denoVersion: string;
}

/** Returns the document; the same input always makes the same one. */
export function makeSbom({ graph, lock, version, commit, denoVersion }: SbomOptions): unknown {
  const keys = packagesReached(graph);
  const packageUrl = (key: string): string => {
    const { name, version } = graph.npmPackages[key];
    return `pkg:npm/${name.replace("@", "%40")}@${version}`;
  };
  const deno = `pkg:github/denoland/deno@v${denoVersion}`;
  const chatd = `pkg:generic/chatd@${version}`;
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": chatd,
        name: "chatd",
        version,
        purl: chatd,
        licenses: [{ license: { id: "MIT" } }],
        properties: [{ name: "chatd:commit", value: commit }],
      },
    },
    components: [
      { type: "platform", "bom-ref": deno, name: "deno", version: denoVersion, purl: deno },
      ...keys.map((key) => {
        const [, scope, name] = /^(?:(@[^/]+)\/)?(.+)$/.exec(graph.npmPackages[key].name)!;
        return {
          type: "library",
          "bom-ref": packageUrl(key),
          ...(scope === undefined ? {} : { group: scope }),
          name,
          version: graph.npmPackages[key].version,
          purl: packageUrl(key),
          hashes: [sha512(key, lock.npm[key]?.integrity)],
        };
      }),
    ],
    dependencies: [
      { ref: chatd, dependsOn: [deno, ...packagesImported(graph).map(packageUrl)] },
      ...keys.map((key) => ({
        ref: packageUrl(key),
        dependsOn: graph.npmPackages[key].dependencies.map(packageUrl),
      })),
    ],
  };
}

function sha512(key: string, integrity: string | undefined): { alg: string; content: string } {
  const [, digest] = /^sha512-(.+)$/.exec(integrity ?? "") ?? [];
  if (digest === undefined) throw new Error(`deno.lock has no SHA-512 of ${key}`);
  return { alg: "SHA-512", content: Uint8Array.fromBase64(digest).toHex() };
}
