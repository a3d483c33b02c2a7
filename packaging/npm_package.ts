/** Makes chatd's npm package: a folder of bundled JavaScript, and a launcher that runs it with the package `deno`. */
import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { launchFlags, standardFlags } from "./launch_flags.ts";
import { stageSources } from "./stage.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Files to copy into the package, without their folders. */
const documents = ["README.md", "LICENSE", "CHANGELOG.md", "examples/chatd.toml", "packaging/chatd.1"];

/** The Node versions for the launcher; Deno runs chatd itself. */
const engines = { node: ">=18" };

/** Returns the package's file name, as `npm pack` chooses it. */
export function npmPackageName(version: string): string {
  return `chatd-${version}.tgz`;
}

export interface NpmPackageOptions {
  /** The folder to make. */
  readonly folder: string;
  readonly version: string;
  readonly commit: string;
  /** Completion scripts, by the name of the shell. */
  readonly completions: Readonly<Record<string, string>>;
}

/** Makes the folder of the package. @throws {Error} when bundling fails, after Deno wrote the reason to stderr */
export async function makeNpmPackage({ folder, version, commit, completions }: NpmPackageOptions): Promise<void> {
  await Deno.mkdir(`${folder}/completions`, { recursive: true });
  await bundle(`${folder}/lib`, commit);
  await cp(`${root}packaging/npm/chatd.cjs`, `${folder}/chatd.cjs`);
  await Deno.chmod(`${folder}/chatd.cjs`, 0o755);
  await writeJson(`${folder}/launch_flags.json`, { commands: launchFlags, standard: standardFlags });
  await writeJson(`${folder}/package.json`, manifest(version));
  for (const file of documents) await cp(`${root}${file}`, `${folder}/${file.replace(/^.*\//, "")}`);
  for (const [shell, script] of Object.entries(completions)) {
    await Deno.writeTextFile(`${folder}/completions/chatd.${shell}`, script);
  }
}

function manifest(version: string) {
  return {
    name: "chatd",
    version,
    description: "Chat that you host yourself: servers, clients and tools in one program",
    license: "MIT",
    bin: { chatd: "chatd.cjs" },
    man: ["chatd.1"],
    files: ["chatd.cjs", "launch_flags.json", "lib", "completions", "chatd.1", "chatd.toml", "CHANGELOG.md"],
    engines,
    os: ["linux", "darwin", "win32"],
    cpu: ["x64", "arm64"],
    dependencies: { deno: Deno.readTextFileSync(`${root}.deno-version`).trim() },
  };
}

/** Bundles the program into chunks that load when needed. */
async function bundle(folder: string, commit: string): Promise<void> {
  const stage = await Deno.makeTempDir({ prefix: "chatd-bundle-" });
  try {
    await stageSources(stage, commit);
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--quiet", "--frozen-lockfile", "--code-splitting", "--outdir", folder, "main.ts"],
      cwd: stage,
      stdout: "inherit",
      stderr: "inherit",
    }).output();
    if (!success) throw new Error("chatd could not be bundled");
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(path, `${JSON.stringify(value, null, 2)}\n`);
}
