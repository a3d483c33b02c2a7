import { fileURLToPath } from "node:url";

const entry = fileURLToPath(new URL("../../../main.ts", import.meta.url));

export interface ChatdOptions {
  args: readonly string[];
  /** Its whole environment, besides what Deno needs. */
  env?: Readonly<Record<string, string>>;
  /** Instead of all: "--allow-net", say. */
  permissions?: readonly string[];
  cwd?: string;
  /** What it reads; nothing unless given. */
  input?: string;
}

export interface ChatdResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs chatd in a process of its own, without a terminal, to its end. */
export async function runChatd(
  { args, env = {}, permissions = ["-A"], cwd, input }: ChatdOptions,
): Promise<ChatdResult> {
  const own = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME"].flatMap((name): [string, string][] => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-check", "--cached-only", ...permissions, entry, ...args],
    env: { ...Object.fromEntries(own), NO_COLOR: "1", ...env },
    clearEnv: true,
    cwd,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  });
  const child = command.spawn();
  if (input !== undefined) void new Response(input).body!.pipeTo(child.stdin).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
