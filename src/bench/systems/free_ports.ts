import { isPortFree } from "../../host/port_probe.ts";

/**
 * Returns different ports of 127.0.0.1 that are free now, below the ephemeral ports that systems assign to clients: 32768
 * and up on Linux, 49152 and up elsewhere.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = 15_000 + Math.floor(17_000 * Math.random());
    if (await isPortFree(port)) ports.add(port);
  }
  return [...ports];
}
