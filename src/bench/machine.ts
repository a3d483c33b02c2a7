import type { Machine } from "./result.ts";
import { output, readProc } from "./workloads/process_usage.ts";

/** Describes this machine; values that it does not report are "unknown" or 0. */
export async function describeMachine(): Promise<Machine> {
  const { os, arch } = Deno.build;
  const { cpu, memoryBytes } = await hardware().catch(() => ({ cpu: "unknown", memoryBytes: 0 }));
  return { os: `${os} ${arch}`, cpu, cores: navigator.hardwareConcurrency, memoryBytes };
}

async function hardware(): Promise<{ cpu: string; memoryBytes: number }> {
  if (Deno.build.os === "darwin") {
    const [cpu, bytes] = (await output("sysctl", ["-n", "machdep.cpu.brand_string", "hw.memsize"])).split("\n");
    return { cpu, memoryBytes: Number(bytes) };
  }
  const [cpuinfo, meminfo] = await Promise.all([readProc("/proc/cpuinfo"), readProc("/proc/meminfo")]);
  const [, cpu = "unknown"] = /^(?:model name|Model)\s*: (.+)$/m.exec(cpuinfo) ?? [];
  const [, kibibytes] = /^MemTotal:\s+(\d+) kB$/m.exec(meminfo) ?? [];
  return { cpu, memoryBytes: Number(kibibytes) * 1024 };
}
