import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const entry = fileURLToPath(new URL("../../main.ts", import.meta.url));

export interface ChatdOptions {
  args: readonly string[];
  /** Its whole environment, besides what Deno needs. */
  env?: Readonly<Record<string, string>>;
  /** Instead of all: "--allow-net", say. */
  permissions?: readonly string[];
  cwd?: string;
}

export interface ChatdResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs chatd in a process of its own, without a terminal, to its end. */
export async function runChatd(options: ChatdOptions): Promise<ChatdResult> {
  const { code, stdout, stderr } = await command(options, "null").output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** A server that listens. */
export interface ChatdServer extends AsyncDisposable {
  readonly port: number;
  /** Asks it to stop. @returns its exit code */
  stop(signal?: Deno.Signal): Promise<number>;
}

/** Starts `chatd grpc-server` on a free port of 127.0.0.1. */
export async function startChatdServer(
  { folder, args = [] }: { folder: string; args?: readonly string[] },
): Promise<ChatdServer> {
  const options = {
    args: ["grpc-server", "--listen", "127.0.0.1:0", "--data", folder, "--log-level", "error", ...args],
  };
  const child = command(options, "inherit").spawn();
  // deno-lint-ignore no-explicit-any -- Deno's and Node's types of the same stream
  const lines = createInterface({ input: Readable.fromWeb(child.stdout as any) });
  const listening = Promise.withResolvers<number>();
  lines.on("line", (line) => {
    const match = /listens on .*:(\d+)/.exec(line);
    if (match) listening.resolve(Number(match[1]));
  });
  lines.on("close", () => listening.reject(new Error("the server ended before it listened")));
  let stopped: Promise<number> | undefined;
  const stop = (signal: Deno.Signal = "SIGTERM") =>
    stopped ??= (async () => {
      try {
        child.kill(signal);
      } catch (error) {
        assert.ok(error instanceof TypeError, "only a process that ended cannot be signalled");
      }
      return (await child.status).code;
    })();
  try {
    const port = await listening.promise;
    return { port, stop, [Symbol.asyncDispose]: async () => void await stop() };
  } catch (error) {
    await stop();
    throw error;
  }
}

function command(
  { args, env = {}, permissions = ["-A"], cwd }: ChatdOptions,
  stderr: "inherit" | "null",
): Deno.Command {
  const own = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME"].flatMap((name): [string, string][] => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-check", "--cached-only", ...permissions, entry, ...args],
    env: { ...Object.fromEntries(own), NO_COLOR: "1", ...env },
    clearEnv: true,
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: stderr === "null" ? "piped" : stderr,
  });
}
