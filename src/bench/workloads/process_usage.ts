import process from "node:process";

/** What the operating system counted for a process. */
export interface ProcessUsage {
  /** Of all its threads, those that ended too, in user mode and in the kernel; in milliseconds. */
  readonly cpuMs: number;
  /** Memory that would be free without it: pages that it shares count in part, where the system says so. */
  readonly memoryBytes: number;
}

/** The kernel tells times in ticks of 1/100 s on every architecture that Deno runs on: USER_HZ, proc_pid_stat(5). */
const msPerTick = 10;

/** Undefined where the system does not tell: the process is gone, is somebody else's, or there is no way to ask. */
export async function usageOf(pid: number): Promise<ProcessUsage | undefined> {
  try {
    if (Deno.build.os === "linux") return await fromProc(pid);
    if (Deno.build.os === "darwin") return parsePs(await output("ps", ["-o", "time=,rss=", "-p", `${pid}`]));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof Deno.errors.NotCapable)) throw error;
  }
  return undefined;
}

/** CPU of this process so far, in milliseconds. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function fromProc(pid: number): Promise<ProcessUsage> {
  // One after the other: no read is left under way when the process is gone.
  const stat = await readProc(`/proc/${pid}/stat`);
  // Not every kernel has the first.
  const memory = await readProc(`/proc/${pid}/smaps_rollup`).catch(() => readProc(`/proc/${pid}/status`));
  return { cpuMs: parseStat(stat), memoryBytes: parseMemory(memory) };
}

/** Of the text of /proc/PID/stat; the program's name in it can hold anything. @returns CPU milliseconds */
export function parseStat(stat: string): number {
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13);
  return (Number(user) + Number(system)) * msPerTick;
}

/** Of the text of /proc/PID/smaps_rollup or /proc/PID/status. @returns bytes */
export function parseMemory(text: string): number {
  const [, kibibytes] = /^(?:Pss|VmRSS):\s+(\d+) kB$/m.exec(text) ?? [];
  return Number(kibibytes) * 1024;
}

/** Of "1:02.34 5678", which are minutes and seconds (hours before them, when there are any), and KiB. */
export function parsePs(line: string): ProcessUsage {
  const [time, kibibytes] = line.trim().split(/\s+/);
  const seconds = time.split(":").reduce((total, part) => total * 60 + Number(part), 0);
  return { cpuMs: Math.round(seconds * 1000), memoryBytes: Number(kibibytes) * 1024 };
}

/**
 * A file of the kernel's. Deno gives those only to programs that may do everything; others, an executable among them, ask cat(1).
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

/** What a program writes. @throws {Deno.errors.NotFound} when it fails */
export async function output(program: string, args: readonly string[]): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], stdin: "null", stderr: "null" });
  const { success, stdout } = await command.output();
  if (!success) throw new Deno.errors.NotFound(`${program} ${args.join(" ")}`);
  return new TextDecoder().decode(stdout);
}
