/**
 * Makes a release in dist/: an npm package, an archive for each target, a bill of materials, install.sh, and checksums
 * of all files.
 *
 *     deno task release                                      # the npm package, and all targets
 *     deno task release --target npm                         # the npm package, which needs no denort
 *     deno task release --target x86_64-unknown-linux-gnu    # this archive
 *
 * Needs tar and zip. DENORT_BIN names the runtime for this machine's target; Deno downloads the others.
 */
import { object } from "@optique/core/constructs";
import { runParser } from "@optique/core/facade";
import { message } from "@optique/core/message";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { choice, string } from "@optique/core/valueparser";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { compile, currentCommit, orExplain } from "./compile.ts";
import { readModuleGraph } from "./module_graph.ts";
import { makeNpmPackage, npmPackageName } from "./npm_package.ts";
import { makeSbom } from "./sbom.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => Deno.readTextFileSync(`${root}${path}`);

export const targets = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;
export type Target = typeof targets[number];

/** The files of every archive besides the program. */
const documents = [
  "README.md",
  "LICENSE",
  "CHANGELOG.md",
  "examples/chatd.toml",
  "examples/grafana.json",
  "packaging/chatd.1",
] as const;
const shells = ["bash", "zsh", "fish"] as const;

/** Returns the name of a target's archive, as install.sh does. */
export function archiveName(version: string, target: Target): string {
  return `chatd-${version}-${target}.${target.includes("windows") ? "zip" : "tar.gz"}`;
}

export interface ReleaseOptions {
  /** Archives to make, and "npm" for the npm package. */
  readonly targets: readonly (Target | "npm")[];
  /** The folder for all files of the release; existing files with the same names are overwritten. */
  readonly out: string;
  readonly commit: string;
  /**
   * The URL of the folder where the files will be, for install.sh; its users must set CHATD_INSTALL_URL unless given.
   */
  readonly url?: string;
  /** The runtime for this machine's target. */
  readonly denort?: string;
}

/** Makes the files of a release. @returns their names */
export async function release({ targets, out, commit, url, denort }: ReleaseOptions): Promise<readonly string[]> {
  const { version } = JSON.parse(read("deno.json"));
  const stage = await Deno.makeTempDir({ prefix: "chatd-release-" });
  try {
    await Deno.mkdir(out, { recursive: true });
    const completions = await Promise.all(shells.map(completionScript));
    const made: string[] = [];
    if (targets.includes("npm")) {
      console.log(`${npmPackageName(version)} ...`);
      const scripts = Object.fromEntries(shells.map((shell, i) => [shell, completions[i]]));
      await makeNpmPackage({ folder: `${stage}/package`, version, commit, completions: scripts });
      await pack(`${stage}/package`, `${out}/${npmPackageName(version)}`);
      made.push(npmPackageName(version));
    }
    for (const target of targets.filter((target) => target !== "npm")) {
      console.log(`${archiveName(version, target)} ...`);
      const folder = `${stage}/chatd-${version}-${target}`;
      await Deno.mkdir(`${folder}/completions`, { recursive: true });
      const executable = `${folder}/chatd${target.includes("windows") ? ".exe" : ""}`;
      await compile({ output: executable, target, commit, denort: target === Deno.build.target ? denort : undefined });
      for (const file of documents) {
        await Deno.copyFile(`${root}${file}`, `${folder}/${file.replace(/^.*\//, "")}`);
      }
      if (target.includes("linux")) {
        for (const file of ["chatd.service", "chatd.sysusers"]) {
          await Deno.copyFile(`${root}packaging/${file}`, `${folder}/${file}`);
        }
      }
      shells.forEach((shell, i) => Deno.writeTextFileSync(`${folder}/completions/chatd.${shell}`, completions[i]));
      await pack(folder, `${out}/${archiveName(version, target)}`);
      await Deno.remove(folder, { recursive: true });
      made.push(archiveName(version, target));
    }
    const sbom = `chatd-${version}.cdx.json`;
    const lock = JSON.parse(read("deno.lock"));
    const graph = await readModuleGraph();
    const bill = makeSbom({ graph, lock, version, commit, denoVersion: Deno.version.deno });
    await Deno.writeTextFile(`${out}/${sbom}`, `${JSON.stringify(bill, null, 2)}\n`);
    await Deno.writeTextFile(`${out}/install.sh`, installScript(url));
    made.push(sbom, "install.sh");
    const sums = await Promise.all(made.map(async (name) => `${await sha256(`${out}/${name}`)}  ${name}\n`));
    await Deno.writeTextFile(`${out}/SHA256SUMS`, sums.join(""));
    return [...made, "SHA256SUMS"];
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
}

/** Returns install.sh with the URL of the release. */
function installScript(url: string | undefined): string {
  const script = read("install.sh");
  if (url === undefined) return script;
  if (!/^https?:\/\/[\w.:/%@+-]+$/.test(url)) throw new Error(`${url} is not a URL that install.sh can hold`);
  const known = script.replace("${CHATD_INSTALL_URL:-}", `\${CHATD_INSTALL_URL:-${url.replace(/\/+$/, "")}}`);
  if (known === script) throw new Error("install.sh has no place for the URL");
  return known;
}

async function completionScript(shell: string): Promise<string> {
  return await output(Deno.execPath(), [
    "run",
    "--quiet",
    "--allow-read",
    "--allow-env",
    "main.ts",
    "completion",
    shell,
  ], root);
}

/** Makes an archive of a folder, with its name at the top. */
export async function pack(folder: string, archive: string): Promise<void> {
  const [, parent, name] = /^(.*)\/([^/]+)$/.exec(folder)!;
  if (archive.endsWith(".zip")) {
    await Deno.remove(archive).catch(() => {});
    await output("zip", ["-q", "-r", "-X", archive, name], parent);
  } else await output("tar", ["--owner=0", "--group=0", "--numeric-owner", "-czf", archive, name], parent);
}

async function output(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { success, stdout } = await new Deno.Command(program, { args: [...args], cwd, stderr: "inherit" }).output();
  if (!success) throw new Error(`${program} ${args[0]} failed`);
  return new TextDecoder().decode(stdout);
}

async function sha256(path: string): Promise<string> {
  const bytes = await Deno.readFile(path);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

if (import.meta.main) {
  const everything = ["npm", ...targets] as const;
  const parser = object({
    targets: withDefault(multiple(option("--target", choice(everything)), { min: 1 }), everything, {
      message: message`all`,
    }),
    out: withDefault(option("--out", string({ metavar: "DIR" })), `${root}dist`),
    commit: optional(option("--commit", string({ metavar: "COMMIT" }))),
    url: optional(option("--url", string({ metavar: "URL" }), {
      description: message`URL of the folder where the files will be, for install.sh`,
    })),
  });
  const options = runParser(parser, "deno task release", Deno.args, {
    brief: message`Makes an npm package and archives of chatd, their checksums and a bill of materials in dist/.`,
    help: { option: true, onShow: () => Deno.exit(0) },
    showDefault: true,
    onError: () => Deno.exit(2),
  });
  const commit = options.commit ?? await currentCommit();
  await orExplain(async () => {
    const made = await release({ ...options, out: resolve(options.out), commit, denort: Deno.env.get("DENORT_BIN") });
    console.log(made.join("\n"));
  });
}
