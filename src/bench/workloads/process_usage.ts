import process from "node:process";

/** The resources of a process, by the operating system. */
export interface ProcessUsage {
  /** CPU time of all threads, ended ones included, in user mode and in the kernel; in milliseconds. */
  readonly cpuMs: number;
  /** Proportional set size, or resident set size where the kernel has no other. */
  readonly memoryBytes: number;
}

/** The unit of times in /proc, in milliseconds: 1/100 s on every architecture of Deno (USER_HZ, proc_pid_stat(5)). */
const msPerTick = 10;

/**
 * Reads the resources of a process; undefined when it is gone, is another user's, or the system has no way to read
 * them.
 */
export async function usageOf(pid: number): Promise<ProcessUsage | undefined> {
  try {
    if (Deno.build.os === "linux") return await fromProc(pid);
    if (Deno.build.os === "darwin") return parsePs(await output("ps", ["-o", "time=,rss=", "-p", `${pid}`]));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof Deno.errors.NotCapable)) throw error;
  }
  return undefined;
}

/**
 * Returns the CPU time of a process and of its children, of which some may have ended, in milliseconds; undefined when it
 * is gone or the system is not Linux.
 */
export async function treeCpuMs(pid: number): Promise<number | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  // By sh(1), which can read these files even where Deno refuses; a process may end meanwhile.
  const stats = await output("sh", ["-c", "cat /proc/[0-9]*/stat 2>/dev/null; true"]);
  const processes = stats.split("\n").filter((stat) => stat !== "").map(parseFamily);
  const parent = processes.find((process) => process.pid === pid);
  if (parent === undefined) return undefined;
  const children = processes.filter(({ parentPid }) => parentPid === pid);
  return children.reduce((sum, { cpuMs }) => sum + cpuMs, parent.cpuMs + parent.endedCpuMs);
}

/** Returns the parent of a process; undefined when it is gone or the system is not Linux. */
export async function parentOf(pid: number): Promise<number | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const stat = await readProc(`/proc/${pid}/stat`).catch(() => undefined);
  return stat === undefined ? undefined : parseFamily(stat).parentPid;
}

interface Family {
  readonly pid: number;
  readonly parentPid: number;
  readonly cpuMs: number;
  /** That of children that ended and were waited for. */
  readonly endedCpuMs: number;
}

/** Parses /proc/PID/stat. */
export function parseFamily(stat: string): Family {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = fields.slice(13, 15);
  return {
    pid: Number.parseInt(stat),
    parentPid: Number(fields[1]),
    cpuMs: parseStat(stat),
    endedCpuMs: (Number(user) + Number(system)) * msPerTick,
  };
}

/** The CPU of one thread so far. */
export interface ThreadUsage {
  /** The name that its program gave it, at most 15 bytes. */
  readonly name: string;
  readonly cpuMs: number;
}

/**
 * Reads the threads of a process by their ids; empty when it is gone, cannot be read, or the system is not Linux.
 */
export async function threadsOf(pid: number): Promise<Map<string, ThreadUsage>> {
  if (Deno.build.os !== "linux") return new Map();
  const lines = await readThreads(pid).catch(() => []);
  return new Map(
    lines.filter((line) => line !== "").map((line) => {
      const [id] = line.split(" ", 1);
      const name = line.slice(line.indexOf("(") + 1, line.lastIndexOf(")"));
      return [id, { name, cpuMs: parseStat(line) }];
    }),
  );
}

/** Returns the CPU between two readings of a process's threads by name, the busiest first, without idle ones. */
export function threadsBetween(
  before: ReadonlyMap<string, ThreadUsage>,
  after: ReadonlyMap<string, ThreadUsage>,
): ThreadUsage[] {
  const byName = new Map<string, number>();
  for (const [id, { name, cpuMs }] of after) {
    byName.set(name, (byName.get(name) ?? 0) + cpuMs - (before.get(id)?.cpuMs ?? 0));
  }
  return [...byName].filter(([, cpuMs]) => cpuMs > 0).map(([name, cpuMs]) => ({ name, cpuMs }))
    .sort((one, other) => other.cpuMs - one.cpuMs);
}

/** Returns the CPU time of this process so far, in milliseconds. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Reads the lines of /proc/PID/task/TID/stat, by sh(1) where Deno refuses: see {@link readProc}. */
async function readThreads(pid: number): Promise<string[]> {
  try {
    const threads = await Array.fromAsync(Deno.readDir(`/proc/${pid}/task`));
    // A thread may end meanwhile.
    return await Promise.all(
      threads.map(({ name }) => Deno.readTextFile(`/proc/${pid}/task/${name}/stat`).catch(() => "")),
    );
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    const lines = await output("sh", ["-c", 'cat /proc/"$1"/task/*/stat 2>/dev/null; true', "sh", `${pid}`]);
    return lines.split("\n");
  }
}

async function fromProc(pid: number): Promise<ProcessUsage> {
  // One after the other: when the process is gone, no second read is pending.
  const stat = await readProc(`/proc/${pid}/stat`);
  // Not every kernel has smaps_rollup.
  const memory = await readProc(`/proc/${pid}/smaps_rollup`).catch(() => readProc(`/proc/${pid}/status`));
  return { cpuMs: parseStat(stat), memoryBytes: parseMemory(memory) };
}

/** Parses /proc/PID/stat, in which the program's name may hold any characters. @returns CPU milliseconds */
export function parseStat(stat: string): number {
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
  return (Number(user) + Number(system)) * msPerTick;
}

/** Parses /proc/PID/smaps_rollup or /proc/PID/status. @returns bytes */
export function parseMemory(text: string): number {
  const [, kibibytes] = /^(?:Pss|VmRSS):\s+(\d+) kB$/m.exec(text) ?? [];
  return Number(kibibytes) * 1024;
}

/** Parses "1:02.34 5678" of ps: [hours:]minutes:seconds, and KiB. */
export function parsePs(line: string): ProcessUsage {
  const [time, kibibytes] = line.trim().split(/\s+/);
  const seconds = time.split(":").reduce((total, part) => total * 60 + Number(part), 0);
  return { cpuMs: Math.round(seconds * 1000), memoryBytes: Number(kibibytes) * 1024 };
}

/**
 * Reads a file of /proc, by cat(1) where Deno refuses: it allows these files only with --allow-all.
 * @throws {Deno.errors.NotFound}
 */
export async function readProc(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    return await output("cat", [path]);
  }
}

/** Returns the stdout of a program. @throws {Deno.errors.NotFound} when it fails */
export async function output(program: string, args: readonly string[]): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], stdin: "null", stderr: "null" });
  const { success, stdout } = await command.output();
  if (!success) throw new Deno.errors.NotFound(`${program} ${args.join(" ")}`);
  return new TextDecoder().decode(stdout);
}
