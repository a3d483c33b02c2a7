import assert from "node:assert/strict";
import { release } from "../../../packaging/release.ts";
import { npmPackageName } from "../../../packaging/npm_package.ts";

/** Where Node is; undefined where there is no npm. */
export const node = await findNode();

async function findNode(): Promise<string | undefined> {
  try {
    await new Deno.Command("npm", { args: ["--version"], stdout: "null", stderr: "null" }).output();
    const { stdout } = await new Deno.Command("node", { args: ["-p", "process.execPath"] }).output();
    return new TextDecoder().decode(stdout).trim();
  } catch {
    return undefined;
  }
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Makes the npm package in a folder. @returns its path */
export async function makePackage(folder: string, { version, commit }: { version: string; commit: string }) {
  await release({ targets: ["npm"], out: folder, commit });
  return `${folder}/${npmPackageName(version)}`;
}

/** A chatd that npm installed, with a home of its own, and no registry that it could reach. */
export class NpmInstallation {
  readonly prefix: string;
  /** The working directory. */
  readonly folder: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(prefix: string, folder: string, env: Readonly<Record<string, string>>) {
    this.prefix = prefix;
    this.folder = folder;
    this.#env = env;
  }

  /** Installs a package into an empty prefix below `folder`, with npm's own settings. */
  static async install(
    tarball: string,
    { folder, args = [], env = {} }: { folder: string; args?: readonly string[]; env?: Record<string, string> },
  ): Promise<NpmInstallation> {
    const prefix = `${folder}/prefix`;
    for (const name of ["prefix", "bin", "home", "work"]) Deno.mkdirSync(`${folder}/${name}`, { recursive: true });
    Deno.symlinkSync(node!, `${folder}/bin/node`);
    const { code, stderr } = await new Deno.Command("npm", {
      args: [
        "install",
        "--global",
        "--prefer-offline",
        "--no-audit",
        "--no-fund",
        "--prefix",
        prefix,
        ...args,
        tarball,
      ],
      cwd: `${folder}/work`,
      stdout: "null",
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return new NpmInstallation(prefix, `${folder}/work`, {
      PATH: `${prefix}/bin:${folder}/bin:/usr/bin:/bin`,
      HOME: `${folder}/home`,
      NPM_CONFIG_REGISTRY: "http://127.0.0.1:9",
      NO_COLOR: "1",
      ...env,
    });
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], input?: string): Promise<Finished> {
    const child = this.command(args, input === undefined ? "null" : "piped").spawn();
    if (input !== undefined) void new Response(input).body!.pipeTo(child.stdin);
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  command(args: readonly string[], stdin: "piped" | "null" = "null"): Deno.Command {
    return new Deno.Command(`${this.prefix}/bin/chatd`, {
      args: [...args],
      cwd: this.folder,
      clearEnv: true,
      env: { ...this.#env },
      stdin,
      stdout: "piped",
      stderr: "piped",
    });
  }

  /** The same command for a shell in a terminal. */
  commandLine(args: readonly string[]): string {
    const env = Object.entries(this.#env).filter(([name]) => name !== "NO_COLOR");
    const words = [...env.map(([name, value]) => `${name}="${value}"`), `${this.prefix}/bin/chatd`, ...args];
    return `cd "${this.folder}"; env ${words.join(" ")}`;
  }
}
