import { fileURLToPath } from "node:url";
import type { Certificates } from "./certificates.ts";
import { type Leak, LEAK_KINDS, type LeakKind, type LeakProbeOptions } from "./leak_probe.ts";

const probe = fileURLToPath(new URL("./leak_probe.ts", import.meta.url));

export interface LeaksOptions {
  /** The path of the `deno` that is measured. */
  deno: string;
  /** Connections of each kind. */
  count: number;
  certificates: Certificates;
  /** All unless given. */
  kinds?: readonly LeakKind[];
}

/**
 * Yields how much memory the connections of each kind leave behind. @throws {Error} with the stderr of a measurement
 * that failed
 */
export async function* measureLeaks(
  { deno, count, certificates, kinds = LEAK_KINDS }: LeaksOptions,
): AsyncGenerator<Leak> {
  for (const kind of kinds) {
    const options: LeakProbeOptions = { kind, count, identity: certificates.server };
    const { success, stdout, stderr } = await new Deno.Command(deno, {
      args: ["run", "--no-check", "--no-lock", "-A", "--v8-flags=--expose-gc", probe, JSON.stringify(options)],
      env: { NO_COLOR: "1" },
    }).output();
    if (!success) throw new Error(`${kind}: ${new TextDecoder().decode(stderr)}`);
    yield JSON.parse(new TextDecoder().decode(stdout)) as Leak;
  }
}

/**
 * Bytes on the heap that a connection may leave behind: counters and pools grow a little, and differ from run to run.
 */
const leakBytes = 1024;

export function isLeak({ heap }: Leak): boolean {
  return heap >= leakBytes;
}

export function tellLeak({ kind, heap, resident }: Leak): string {
  return `${kind}: a connection leaves ${heap} bytes on the heap, ${resident} resident`;
}
