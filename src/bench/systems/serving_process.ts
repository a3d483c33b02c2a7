import { output } from "../workloads/process_usage.ts";

/**
 * Returns the process that serves: the child of a supervisor, whose own id is the one that a user sees; otherwise the
 * process itself.
 */
export async function servingProcessOf(pid: number): Promise<number> {
  // Without ps(1), a supervisor cannot be told from its server.
  const lines = await output("ps", ["-A", "-o", "pid=,ppid=,args="]).catch(() => "");
  for (const line of lines.split("\n")) {
    const [child, parent, ...args] = line.trim().split(/\s+/);
    if (Number(parent) === pid && args.includes("--supervised")) return Number(child);
  }
  return pid;
}
