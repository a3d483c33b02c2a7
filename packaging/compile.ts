/**
 * Compiles chatd into an executable that shows the commit it was built from:
 *
 *     deno task compile            # dist/chatd, for this machine
 *     deno task compile 1a2b3c4d   # in a copy without .git
 */
import { fileURLToPath } from "node:url";
import { serverV8Flags } from "../src/host/supervisor/serving_command.ts";
import { sources, stageSources } from "./stage.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const permissions = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-run",
  // The name of a new device; the owner of the data folder, and the free space of its disk.
  "--allow-sys=hostname,uid,statfs",
];

export interface CompileOptions {
  /** The path of the executable. */
  readonly output: string;
  /** A target triple of Deno; this machine's unless given. */
  readonly target?: string;
  readonly commit: string;
  /** The runtime to embed; Deno downloads the target's unless given. */
  readonly denort?: string;
}

/** Returns the current commit, with "-dirty" when source files differ from it; "unknown" outside of a repository. */
export async function currentCommit(folder = root): Promise<string> {
  const head = await gitOutput(folder, ["rev-parse", "--short=12", "HEAD"]);
  if (head === undefined) return "unknown";
  const changes = await gitOutput(folder, ["status", "--porcelain", "--", ...sources]);
  return changes === "" ? head : `${head}-dirty`;
}

async function gitOutput(folder: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command("git", { args: [...args], cwd: folder, stderr: "null" })
      .output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** An error of the compilation, with a message for people. */
export class CompileError extends Error {
  override readonly name = "CompileError";
}

/** Makes an executable. @throws {CompileError} when Deno fails */
export async function compile({ output, target = Deno.build.target, commit, denort }: CompileOptions): Promise<void> {
  if (denort !== undefined && !await isFile(denort)) {
    throw new CompileError(
      `chatd cannot be compiled for ${target}: DENORT_BIN names "${denort}", and no file is there.`,
    );
  }
  const stage = await Deno.makeTempDir({ prefix: "chatd-compile-" });
  try {
    await stageSources(stage, commit);
    const { DENORT_BIN: _, ...env } = Deno.env.toObject();
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "compile",
        "--quiet",
        "--frozen",
        "--exclude-unused-npm",
        `--v8-flags=${serverV8Flags}`,
        ...permissions,
        "--target",
        target,
        "--output",
        output,
        "main.ts",
      ],
      cwd: stage,
      clearEnv: true,
      env: denort === undefined ? env : { ...env, DENORT_BIN: denort },
      stdout: "inherit",
      stderr: "piped",
    }).output();
    if (!success) throw compileError(new TextDecoder().decode(stderr), target);
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
}

function isFile(path: string): Promise<boolean> {
  return Deno.stat(path).then((found) => found.isFile, () => false);
}

/** Explains a missing runtime in one sentence, and repeats all other errors of `deno compile`. */
export function compileError(said: string, target: string): CompileError {
  const cannot = `chatd cannot be compiled for ${target}`;
  if (!/\bdenort\b/.test(said)) return new CompileError(`${cannot}:\n${said}`);
  return new CompileError(
    `${cannot}: Deno could not fetch its runtime, denort ${Deno.version.deno}; set DENORT_BIN to the path of a denort ` +
      `for ${Deno.build.target}; no other target can use it.`,
  );
}

/** Runs a task; ends the process with 1, and without a stack trace, when something cannot be compiled. */
export async function orExplain(task: () => Promise<void>): Promise<void> {
  try {
    await task();
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}

if (import.meta.main) {
  await orExplain(async () => {
    const commit = Deno.args[0] ?? await currentCommit();
    await compile({ output: `${root}dist/chatd`, commit, denort: Deno.env.get("DENORT_BIN") });
    console.log(`dist/chatd: commit ${commit}`);
  });
}
