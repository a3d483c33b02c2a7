import { fileURLToPath } from "node:url";
import type { Certificates } from "./certificates.ts";
import { type Leak, LEAK_KINDS, type LeakProbeOptions } from "./leak_probe.ts";

const probe = fileURLToPath(new URL("./leak_probe.ts", import.meta.url));

/** Yields how much memory connections of each kind leave behind, under the `deno` at a path. @throws {Error} with its stderr */
export async function* measureLeaks(
  { deno, count, certificates }: { deno: string; count: number; certificates: Certificates },
): AsyncGenerator<Leak> {
  for (const kind of LEAK_KINDS) {
    const options: LeakProbeOptions = { kind, count, identity: certificates.server };
    const { success, stdout, stderr } = await new Deno.Command(deno, {
      args: ["run", "--no-check", "--no-lock", "-A", "--v8-flags=--expose-gc", probe, JSON.stringify(options)],
      env: { NO_COLOR: "1" },
    }).output();
    if (!success) throw new Error(`${kind}: ${new TextDecoder().decode(stderr)}`);
    yield JSON.parse(new TextDecoder().decode(stdout)) as Leak;
  }
}
